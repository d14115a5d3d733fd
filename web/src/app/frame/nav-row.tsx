import { createLink } from "@tanstack/react-router";
import type { LucideIcon } from "lucide-react";
import type { ComponentPropsWithRef, ReactNode } from "react";
import { cx } from "@/lib/cx";
import { Icon } from "@/ui/icon";

interface Props extends ComponentPropsWithRef<"a"> {
  icon?: LucideIcon;
  /** A count at the end. */
  end?: ReactNode;
}

function Row({ icon, end, className, children, ...props }: Props) {
  return (
    <a
      {...props}
      className={cx(
        "flex min-h-row-side items-center gap-3 rounded-6 px-[13px] text-14 text-default no-underline hover:bg-surface-hover aria-[current=page]:bg-surface-selected aria-[current=page]:font-bold pointer-coarse:min-h-11",
        className,
      )}
    >
      {icon && <Icon of={icon} className="text-muted" />}
      <span className="min-w-0 truncate">{children}</span>
      {end !== undefined && <span className="ml-auto font-normal text-muted tabular-nums">{end}</span>}
    </a>
  );
}

/** A place in the side. The current one is grey and bold, never blue. */
export const NavRow = createLink(Row);
