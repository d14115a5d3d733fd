import { PanelLeft, Search } from "lucide-react";
import type { ReactNode } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Mark } from "@/ui/brand";
import { IconButton } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { AccountMenu } from "./account-menu";
import { openPalette } from "./palette-state";

interface SideProps {
  /** The name of the place, and the act beside it. */
  head: ReactNode;
  /** The main act of the place, above the search. */
  act?: ReactNode;
  /** What the search finds. */
  search: string;
  /** Closes the drawer this stands in, if it is one. */
  close: (() => void) | undefined;
  /** Where one can go. */
  children: ReactNode;
}

/** The side at full width: the place, the search, where one can go, and who one is. */
export function Side({ head, act, search, close, children }: SideProps) {
  return (
    <>
      <div className="px-3 pb-3">
        <div className="flex h-14 items-center justify-between pl-2">{head}</div>
        {act}
        <AriaButton
          onPress={() => {
            close?.();
            openPalette();
          }}
          className="mt-1 flex min-h-9 w-full items-center gap-3 rounded-6 px-[13px] text-14 text-muted hover:bg-surface-hover pointer-coarse:min-h-11"
        >
          <Icon of={Search} />
          {search}
          <span className="ml-auto pointer-coarse:hidden">Ctrl K</span>
        </AriaButton>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-3 pb-4 [scrollbar-color:var(--border)_transparent] [scrollbar-width:thin]">{children}</div>
      <div className="border-t border-rule px-3 py-2">
        <AccountMenu onNavigate={close} />
      </div>
    </>
  );
}

interface RailProps {
  onExpand: () => void;
  /** What stands before and after the search. */
  before?: ReactNode;
  after?: ReactNode;
}

/** The side as icons. */
export function Rail({ onExpand, before, after }: RailProps) {
  const { t } = useTranslation("frame");
  return (
    <>
      <Mark className="my-[9px]" />
      <IconButton icon={PanelLeft} label={t("expand")} onPress={onExpand} />
      {before}
      <IconButton icon={Search} label={t("searchTip")} onPress={openPalette} />
      {after}
      <span className="flex-1" />
      <AccountMenu compact />
    </>
  );
}
