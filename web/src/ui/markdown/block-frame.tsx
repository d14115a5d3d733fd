import type { ReactNode, Ref } from "react";

interface Props {
  /** What it is: a language, "表", "図". */
  label: ReactNode;
  actions: ReactNode;
  ref?: Ref<HTMLElement>;
  /** It is a table of an answer, which can be found by its place there. */
  isTable?: boolean;
  children: ReactNode;
}

/** A block that is more than running text: framed, named, with its acts. */
export function BlockFrame({ label, actions, ref, isTable, children }: Props) {
  return (
    <figure ref={ref} data-table={isTable} className="overflow-hidden rounded-8 border border-rule print:overflow-visible">
      <figcaption className="flex min-h-10 items-center gap-1 border-b border-rule pr-1 pl-4 text-14 leading-150 text-muted" data-copy="skip">
        <span className="mr-auto min-w-0 truncate">{label}</span>
        <span className="flex flex-none items-center print:hidden">{actions}</span>
      </figcaption>
      {children}
    </figure>
  );
}
