import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";

/** One grey bar in the place of words to come. */
export function Bar({ className }: { className?: string }) {
  return <span className={cx("block h-4 rounded-4 bg-surface-selected", className)} />;
}

interface Props {
  /** What is being loaded, for those who do not see the bars. */
  label?: string;
  /** Bars in the shape of the page; a few lines when left out. */
  children?: ReactNode;
  className?: string;
}

/** The shape of what is coming. Appears after 200 ms, so that a quick answer does not flash. */
export function Skeleton({ label, children, className }: Props) {
  const { t } = useTranslation("ui");
  return (
    <div role="status" aria-label={label ?? t("loading")} className={cx("animate-appear-late", className)}>
      {children ?? (
        <div aria-hidden="true" className="grid gap-3">
          <Bar className="w-2/3" />
          <Bar className="w-full" />
          <Bar className="w-5/6" />
        </div>
      )}
    </div>
  );
}
