import { cx } from "@/lib/cx";

/** The mark: an enclosure (囲い) seen from above. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" className={cx("size-[22px] flex-none", className)}>
      <path d="M2 2h20v20H2z" strokeWidth="2" />
      <path d="M9.25 6v12M14.75 6v12M6 9.25h12M6 14.75h12" strokeWidth="1.5" />
    </svg>
  );
}

/** The first letter of a person's name in a ring. */
export function Seal({ name, className }: { name: string; className?: string }) {
  return (
    <span aria-hidden="true" className={cx("grid size-7 flex-none place-items-center rounded-full border border-control bg-surface text-14 leading-100", className)}>
      {Array.from(name.trim())[0] ?? ""}
    </span>
  );
}
