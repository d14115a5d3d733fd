import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

/** Facts as name and value. */
export function Details({ children, className }: { children: ReactNode; className?: string }) {
  return <dl className={cx("grid grid-cols-[7.25rem_minmax(0,1fr)] gap-x-3 gap-y-1.5", className)}>{children}</dl>;
}

/** One fact. */
export function Detail({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  );
}
