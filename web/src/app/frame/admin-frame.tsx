import { Outlet } from "@tanstack/react-router";
import { ArrowLeft, PanelLeft, Search } from "lucide-react";
import { Suspense } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Mark } from "@/ui/brand";
import { ButtonLink, IconButton } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { Skeleton } from "@/ui/skeleton";
import { AccountMenu } from "./account-menu";
import { NavRow } from "./nav-row";
import { openPalette } from "./palette-state";
import { Shell } from "./shell";

/** The places of administration, by the question they answer. */
export const adminPlaces = [
  {
    question: "whoEnters",
    places: [
      { to: "/admin/accounts", name: "accounts" },
      { to: "/admin/groups", name: "groups" },
    ],
  },
  {
    question: "whatLeaves",
    places: [
      { to: "/admin/models", name: "models" },
      { to: "/admin/connections", name: "connections" },
    ],
  },
  { question: "whatHappened", places: [{ to: "/admin/status", name: "status" }] },
] as const;

/** The frame of administration: a place of its own, in the same look. */
export function AdminFrame() {
  const { t } = useTranslation("frame");
  return (
    <Shell
      label={t("adminNav")}
      side={(close) => (
        <>
          <div className="px-3 pb-3">
            <div className="flex h-14 items-center justify-between pl-2">
              <span className="inline-flex items-center gap-2.5 text-18 font-bold">
                <Mark />
                {t("admin")}
              </span>
              <ButtonLink to="/" tone="quiet" size="dense" icon={ArrowLeft} onClick={close} className="!px-2 text-muted">
                {t("backToKakoi")}
              </ButtonLink>
            </div>
            <AriaButton
              onPress={() => {
                close?.();
                openPalette();
              }}
              className="flex min-h-9 w-full items-center gap-3 rounded-6 px-[13px] text-14 text-muted hover:bg-surface-hover pointer-coarse:min-h-11"
            >
              <Icon of={Search} />
              {t("adminSearch")}
              <span className="ml-auto pointer-coarse:hidden">Ctrl K</span>
            </AriaButton>
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto px-3 pb-4">
            {adminPlaces.map((group) => (
              <section key={group.question} className="border-t border-rule py-2">
                <h2 className="px-[13px] pb-1 text-14 font-normal text-muted [font-feature-settings:normal]">{t(group.question)}</h2>
                {group.places.map((place) => (
                  <NavRow key={place.to} to={place.to} onClick={close}>
                    {t(place.name)}
                  </NavRow>
                ))}
              </section>
            ))}
          </div>
          <div className="border-t border-rule px-3 py-2">
            <AccountMenu onNavigate={close} />
          </div>
        </>
      )}
      rail={(open) => (
        <>
          <Mark className="my-[9px]" />
          <IconButton icon={PanelLeft} label={t("expand")} onPress={open} />
          <IconButton icon={Search} label={t("searchTip")} onPress={openPalette} />
          <span className="flex-1" />
          <AccountMenu compact />
        </>
      )}
    >
      <Suspense fallback={<Skeleton className="p-6" />}>
        <Outlet />
      </Suspense>
    </Shell>
  );
}
