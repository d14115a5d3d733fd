import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

/** Figures side by side. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="flex flex-wrap gap-px overflow-hidden rounded-8 border border-rule bg-[var(--border)]">{children}</dl>;
}

/** One figure with its name, and what there is to say of it. */
export function Fact({ name, note, wide = false, children }: { name: string; note?: string | undefined; wide?: boolean; children: ReactNode }) {
  return (
    <div className={cx("bg-surface px-4 py-3", wide ? "flex-[1_1_11rem]" : "flex-[1_1_10rem]")}>
      <dt className="text-14 text-muted">{name}</dt>
      <dd className="mt-0.5 text-18 font-bold tabular-nums">{children}</dd>
      {note && <dd className="text-14 text-muted tabular-nums">{note}</dd>}
    </div>
  );
}
