import { Outlet, useLocation } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "@/features/account/api";
import { Mark } from "@/ui/brand";
import { ButtonLink } from "@/ui/button";
import { Skeleton } from "@/ui/skeleton";
import { PlaceNotOpen } from "../problem-pages";
import { lacking, openPlaces, placeAt } from "./admin-places";
import { NavRow } from "./nav-row";
import { Shell } from "./shell";
import { Rail, Side } from "./side";

/** The frame of administration: a place of its own, in the same look. */
export function AdminFrame() {
  const { t } = useTranslation("frame");
  const { account } = useMe();
  const pathname = useLocation({ select: (location) => location.pathname });
  const place = placeAt(pathname);
  const lacked = place && lacking(account, place);
  return (
    <Shell
      label={t("adminNav")}
      side={(close) => (
        <Side
          head={
            <>
              <span className="inline-flex items-center gap-2.5 text-18 font-bold">
                <Mark />
                {t("admin")}
              </span>
              <ButtonLink to="/" tone="quiet" size="dense" icon={ArrowLeft} onClick={close} className="!px-2 text-muted">
                {t("backToKakoi")}
              </ButtonLink>
            </>
          }
          search={t("adminSearch")}
          close={close}
        >
          {openPlaces(account).map((group) => (
            <section key={group.question} className="border-t border-rule py-2">
              <h2 className="px-[13px] pb-1 text-14 font-normal text-muted [font-feature-settings:normal]">{t(group.question)}</h2>
              {group.places.map((place) => (
                <NavRow key={place.to} to={place.to} onClick={close}>
                  {t(place.name)}
                </NavRow>
              ))}
            </section>
          ))}
        </Side>
      )}
      rail={(open) => <Rail onExpand={open} />}
    >
      <Suspense fallback={<Skeleton className="p-6" />}>
        {lacked ? <PlaceNotOpen permission={lacked} /> : <Outlet />}
      </Suspense>
    </Shell>
  );
}
