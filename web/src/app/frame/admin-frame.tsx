import { Outlet } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Mark } from "@/ui/brand";
import { ButtonLink } from "@/ui/button";
import { Skeleton } from "@/ui/skeleton";
import { NavRow } from "./nav-row";
import { Shell } from "./shell";
import { Rail, Side } from "./side";

/** The places of administration, by the question they answer. */
export const adminPlaces = [
  {
    question: "whoEnters",
    places: [
      { to: "/admin/accounts", name: "accounts" },
      { to: "/admin/groups", name: "groups" },
      { to: "/admin/sign-in/second-factor", name: "secondFactor" },
    ],
  },
  {
    question: "whatLeaves",
    places: [
      { to: "/admin/models", name: "models" },
      { to: "/admin/connections", name: "connections" },
      { to: "/admin/residency", name: "residency" },
      { to: "/admin/policy", name: "policy" },
      { to: "/admin/egress", name: "egress" },
    ],
  },
  {
    question: "whatStays",
    places: [{ to: "/admin/chat", name: "chatSettings" }],
  },
  {
    question: "whatHappened",
    places: [
      { to: "/admin/feedback", name: "feedback" },
      { to: "/admin/status", name: "status" },
      { to: "/admin/doctor", name: "doctor" },
    ],
  },
] as const;

/** The frame of administration: a place of its own, in the same look. */
export function AdminFrame() {
  const { t } = useTranslation("frame");
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
        </Side>
      )}
      rail={(open) => <Rail onExpand={open} />}
    >
      <Suspense fallback={<Skeleton className="p-6" />}>
        <Outlet />
      </Suspense>
    </Shell>
  );
}
