import type { ReactNode, Ref } from "react";
import { useEffect } from "react";
import { cx } from "@/lib/cx";
import { SideButton } from "./side-context";

interface PageProps {
  /** Stands in the browser's title and as the one h1. */
  title: string;
  /** Beside the title, small: a count. */
  aside?: ReactNode;
  /** The acts of the page, the main one last. */
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}

/** Sets the title of the window while the page is shown. */
export function useTitle(title: string) {
  useEffect(() => {
    document.title = title ? `${title} | Kakoi` : "Kakoi";
  }, [title]);
}

/** A page that fills the frame: a bar with its title and acts, and the work under it. */
export function Page({ title, aside, actions, children, className }: PageProps) {
  useTitle(title);
  return (
    <div className={cx("flex min-h-0 min-w-0 flex-1 flex-col", className)}>
      <header className="flex min-h-16 flex-none flex-wrap items-center gap-x-2 gap-y-1 px-6 py-2 max-md:min-h-14 max-md:px-2">
        <SideButton />
        <h1 className="text-20 max-md:text-18">{title}</h1>
        {aside && <span className="pt-1 text-14 text-muted tabular-nums max-md:pl-2">{aside}</span>}
        {actions && <div className="ml-auto flex items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** The part of a page that scrolls. */
export function Scroll({ children, className, ref }: { children: ReactNode; className?: string; ref?: Ref<HTMLDivElement> }) {
  return (
    // Relative, so that what is placed in it absolutely scrolls with it and makes nothing around it scroll.
    <div ref={ref} className={cx("relative min-h-0 flex-1 overflow-y-auto [scrollbar-color:var(--border-strong)_transparent] [scrollbar-width:thin]", className)}>
      {children}
    </div>
  );
}

interface SectionProps {
  /** The fragment of its address. */
  id?: string;
  title: string;
  /** What the settings under it decide. */
  hint?: ReactNode;
  children: ReactNode;
  actions?: ReactNode;
}

/** A part of a page, under a heading of its own. */
export function Section({ id, title, hint, children, actions }: SectionProps) {
  return (
    <section id={id} className="scroll-mt-4 border-t border-rule py-8 first:border-t-0 first:pt-0">
      <div className="mb-4 flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        {/* A long hint goes on under itself; only where there is no room beside it do the acts go under it. */}
        <div className="min-w-0 flex-1 basis-56">
          <h2 className="text-18">{title}</h2>
          {hint && <p className="mt-1 text-14 text-muted">{hint}</p>}
        </div>
        {actions}
      </div>
      {children}
    </section>
  );
}
