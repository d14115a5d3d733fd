import { Link, Outlet } from "@tanstack/react-router";
import { History as HistoryIcon, PanelLeft, Plus, Search } from "lucide-react";
import { Suspense } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Mark } from "@/ui/brand";
import { buttonClass, ButtonLink, IconButton } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { Skeleton } from "@/ui/skeleton";
import { History } from "../slots";
import { AccountMenu } from "./account-menu";
import { openPalette } from "./palette-state";
import { Shell } from "./shell";
import { useFolded } from "./side-state";

/** The frame of the workplace: what I can do and what I did, and the page. */
export function Frame() {
  const { t } = useTranslation("frame");
  const [folded, setFolded] = useFolded();

  return (
    <Shell
      label={t("main")}
      folded={folded}
      side={(close) => (
        <>
          <div className="px-3 pb-3">
            <div className="flex h-14 items-center justify-between pl-2">
              <Link to="/" onClick={close} className="inline-flex items-center gap-2.5 rounded-4 text-18 font-bold text-default no-underline">
                <Mark />
                Kakoi
              </Link>
              <IconButton icon={PanelLeft} label={t("collapse")} size="dense" onPress={close ?? (() => setFolded(true))} />
            </div>
            <ButtonLink to="/" size="dense" onClick={close} className="w-full !justify-start !gap-3">
              <Icon of={Plus} />
              {t("newConversation")}
            </ButtonLink>
            <AriaButton
              onPress={() => {
                close?.();
                openPalette();
              }}
              className="mt-1 flex min-h-9 w-full items-center gap-3 rounded-6 px-[13px] text-14 text-muted hover:bg-surface-hover pointer-coarse:min-h-11"
            >
              <Icon of={Search} />
              {t("search")}
              <span className="ml-auto pointer-coarse:hidden">Ctrl K</span>
            </AriaButton>
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto px-3 pb-4 [scrollbar-color:var(--border)_transparent] [scrollbar-width:thin]">
            <section aria-label={t("history")} className="border-t border-rule py-2">
              <Suspense fallback={<Skeleton className="p-3" />}>
                <History onNavigate={close} />
              </Suspense>
            </section>
          </div>
          <div className="border-t border-rule px-3 py-2">
            <AccountMenu onNavigate={close} />
          </div>
        </>
      )}
      rail={(open) => (
        <>
          <Mark className="my-[9px]" />
          <IconButton icon={PanelLeft} label={t("expand")} onPress={() => (folded && window.matchMedia("(min-width: 68.8125rem)").matches ? setFolded(false) : open())} />
          <Link to="/" aria-label={t("newConversation")} title={t("newConversation")} className={`${buttonClass("quiet")} w-11 !px-0`}>
            <Icon of={Plus} />
          </Link>
          <IconButton icon={Search} label={t("searchTip")} onPress={openPalette} />
          <span className="my-2 w-8 border-t border-rule" />
          <IconButton icon={HistoryIcon} label={t("history")} onPress={open} />
          <span className="flex-1" />
          <AccountMenu compact />
        </>
      )}
    >
      <Suspense fallback={<Skeleton className="mx-auto w-full max-w-column p-6" />}>
        <Outlet />
      </Suspense>
    </Shell>
  );
}
