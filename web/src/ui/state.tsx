import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

export type StateTone = "on" | "off" | "wait" | "stop";

const marks: Record<StateTone, string> = {
  on: "h-2 rounded-full bg-success align-[0.05em]",
  off: "h-2 rounded-full border-[1.5px] border-[var(--text-muted)] align-[0.05em]",
  wait: "h-2 rotate-45 rounded-[1px] bg-warning align-[0.05em]",
  stop: "h-[3px] bg-danger align-[0.25em]",
};

/** The state of a thing: a word, and a mark that differs by form as well as by colour. */
export function State({ tone, children }: { tone: StateTone; children: ReactNode }) {
  return (
    <span className="whitespace-nowrap">
      <span aria-hidden="true" className={cx("mr-1.5 inline-block w-2", marks[tone])} />
      {children}
    </span>
  );
}

/** A short word that classifies a thing. */
export function Badge({ tone = "neutral", children }: { tone?: "neutral" | "warning" | "accent"; children: ReactNode }) {
  return (
    <span
      className={cx(
        "inline-flex items-center rounded-4 border px-1.5 text-14 leading-150 whitespace-nowrap",
        tone === "neutral" && "border-strong text-muted",
        tone === "warning" && "border-warning bg-warning-soft text-warning",
        tone === "accent" && "border-accent-line bg-accent-soft text-accent",
      )}
    >
      {children}
    </span>
  );
}
