import { type LucideIcon, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { Button } from "./button";
import { Icon } from "./icon";

interface Props {
  icon?: LucideIcon;
  /** A paragraph; or the h1 of a page that has nothing else. */
  title?: string;
  heading?: string;
  /** What this place is for. */
  children?: ReactNode;
  /** The first step. */
  actions?: ReactNode;
  className?: string;
}

/** A place with nothing in it yet. */
export function Empty({ icon, title, heading, children, actions, className }: Props) {
  return (
    <div className={cx("mx-auto grid max-w-[30rem] justify-items-center gap-2 px-4 py-12 text-center", className)}>
      {icon && <Icon of={icon} className="mb-1 size-8 text-muted" />}
      {heading ? <h1 className="text-20">{heading}</h1> : <p className="text-16 font-bold text-balance">{title}</p>}
      {children && <div className="text-14 leading-prose text-muted">{children}</div>}
      {actions && <div className="mt-3 flex flex-wrap justify-center gap-2">{actions}</div>}
    </div>
  );
}

/** A list of which the filters leave nothing, and the way back to all of it. */
export function NoMatch({ title, children, onClear }: { title: string; children?: ReactNode; onClear: () => void }) {
  const { t } = useTranslation("ui");
  return (
    <Empty icon={SearchX} title={title} actions={<Button onPress={onClear}>{t("clearFilters")}</Button>}>
      {children}
    </Empty>
  );
}
