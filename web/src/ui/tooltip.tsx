import type { ReactElement } from "react";
import { Tooltip, TooltipTrigger } from "react-aria-components";

interface Props {
  text: string;
  placement?: "top" | "bottom" | "left" | "right";
  /** The control that is explained; it takes focus and hover. */
  children: ReactElement;
}

/** A word of explanation on hover and on focus. It repeats or adds; it never holds the only name. */
export function Tip({ text, placement = "bottom", children }: Props) {
  return (
    <TooltipTrigger delay={500} closeDelay={0}>
      {children}
      <Tooltip placement={placement} offset={6} className="max-w-72 rounded-6 bg-[var(--text)] px-2 py-1 text-14 leading-150 text-[var(--surface)] shadow-raised">
        {text}
      </Tooltip>
    </TooltipTrigger>
  );
}
