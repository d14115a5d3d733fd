import { Link, Outlet } from "@tanstack/react-router";
import { History as HistoryIcon, NotebookPen, PanelLeft, Plus, Users } from "lucide-react";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { SideView } from "@/features/side-view/side-view";
import { useCommand } from "@/lib/commands";
import { Mark } from "@/ui/brand";
import { buttonClass, ButtonLink, IconButton } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { Skeleton } from "@/ui/skeleton";
import { History } from "../slots";
import { NavRow } from "./nav-row";
import { Shell } from "./shell";
import { Rail, Side } from "./side";
import { useFolded } from "./side-state";

/** The frame of the workplace: what I can do and what I did, and the page. */
export function Frame() {
  const { t } = useTranslation("frame");
  const [folded, setFolded] = useFolded();
  useCommand("toggleSide", () => setFolded(!folded));

  return (
    <Shell
      label={t("main")}
      folded={folded}
      side={(close) => (
        <Side
          head={
            <>
              <Link to="/" onClick={close} className="inline-flex items-center gap-2.5 rounded-4 text-18 font-bold text-default no-underline">
                <Mark />
                Kakoi
              </Link>
              <IconButton icon={PanelLeft} label={t("collapse")} size="dense" onPress={close ?? (() => setFolded(true))} />
            </>
          }
          act={
            <ButtonLink to="/" size="dense" onClick={close} className="w-full !justify-start !gap-3">
              <Icon of={Plus} />
              {t("newConversation")}
            </ButtonLink>
          }
          search={t("search")}
          close={close}
        >
          <div className="border-t border-rule py-2">
            <NavRow to="/prompts" icon={NotebookPen} onClick={close}>
              {t("prompts")}
            </NavRow>
            <NavRow to="/shared" icon={Users} onClick={close}>
              {t("shared")}
            </NavRow>
            <NavRow to="/history" search={{}} icon={HistoryIcon} onClick={close}>
              {t("allConversations")}
            </NavRow>
          </div>
          <Suspense fallback={<Skeleton className="border-t border-rule p-3" />}>
            <History onNavigate={close} />
          </Suspense>
        </Side>
      )}
      rail={(open) => (
        <Rail
          onExpand={() => (folded && window.matchMedia("(min-width: 68.8125rem)").matches ? setFolded(false) : open())}
          before={
            <Link to="/" aria-label={t("newConversation")} title={t("newConversation")} className={`${buttonClass("quiet")} w-11 !px-0`}>
              <Icon of={Plus} />
            </Link>
          }
          after={
            <>
              <Link to="/prompts" aria-label={t("prompts")} title={t("prompts")} className={`${buttonClass("quiet")} w-11 !px-0`}>
                <Icon of={NotebookPen} />
              </Link>
              <Link to="/shared" aria-label={t("shared")} title={t("shared")} className={`${buttonClass("quiet")} w-11 !px-0`}>
                <Icon of={Users} />
              </Link>
              <span className="my-2 w-8 border-t border-rule" />
              <IconButton icon={HistoryIcon} label={t("history")} onPress={open} />
            </>
          }
        />
      )}
    >
      <Suspense fallback={<Skeleton className="mx-auto w-full max-w-column p-6" />}>
        <SideView>
          <Outlet />
        </SideView>
      </Suspense>
    </Shell>
  );
}
