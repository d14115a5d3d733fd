import type { LucideIcon } from "lucide-react";
import { cx } from "@/lib/cx";

interface Props {
  of: LucideIcon;
  /** 20 beside text of 16, 16 beside small text. */
  size?: 16 | 20;
  className?: string;
}

/** A drawing beside a label. It never carries the meaning alone: its control has the name. */
export function Icon({ of: Drawing, size = 20, className }: Props) {
  return <Drawing aria-hidden="true" focusable="false" size={size} strokeWidth={size === 16 ? 2 : 1.75} className={cx("flex-none", className)} />;
}
