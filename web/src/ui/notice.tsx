import { CircleAlert, CircleCheck, Info, TriangleAlert, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { Icon } from "./icon";

export type NoticeTone = "info" | "success" | "warning" | "danger";

const tones: Record<NoticeTone, { icon: LucideIcon; box: string; mark: string }> = {
  info: { icon: Info, box: "border-rule bg-surface-raised", mark: "text-muted" },
  success: { icon: CircleCheck, box: "border-success bg-success-soft", mark: "text-success" },
  warning: { icon: TriangleAlert, box: "border-warning bg-warning-soft", mark: "text-warning" },
  danger: { icon: CircleAlert, box: "border-danger bg-danger-soft", mark: "text-danger" },
};

interface Props {
  tone?: NoticeTone;
  title?: string;
  children?: ReactNode;
  /** What to do about it. */
  actions?: ReactNode;
  /** Read out when it appears; for what follows an act. */
  live?: boolean;
  className?: string;
}

/** Something to know before going on, in its place on the page. */
export function Notice({ tone = "info", title, children, actions, live, className }: Props) {
  const { icon, box, mark } = tones[tone];
  return (
    <div role={live ? (tone === "danger" ? "alert" : "status") : undefined} className={cx("flex gap-3 rounded-8 border px-4 py-3 text-default", box, className)}>
      <Icon of={icon} className={cx("mt-0.5", mark)} />
      <div className="grid min-w-0 flex-1 gap-1">
        {title && <p className="font-bold">{title}</p>}
        {children && <div className="text-14 leading-[1.6]">{children}</div>}
        {actions && <div className="mt-2 flex flex-wrap items-center gap-2">{actions}</div>}
      </div>
    </div>
  );
}
