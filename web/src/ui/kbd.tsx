import type { ReactNode } from "react";

/** A key to press. */
export function Kbd({ children }: { children: ReactNode }) {
  return <kbd className="rounded-4 border border-strong px-1.5 font-sans text-14 leading-150 text-muted">{children}</kbd>;
}
