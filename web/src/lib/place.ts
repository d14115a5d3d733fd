import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { ja } from "@/locales/ja";
import type { Place } from "./api/types";

type Words = typeof ja.common;

/** Gives the words for where a model's input is processed, in the language in use. */
export function usePlaceText(): (place: Place) => string {
  const { t, i18n } = useTranslation("common");
  const region = useRegionName();
  return useCallback(
    ({ kind, name = "", country = "", regions = [], from = "" }) => {
      switch (kind) {
        case "server":
          return t("place.server");
        case "host":
          return country ? t("place.host", { name, country: nameOfCountry(country, i18n.language) }) : name;
        case "regions": {
          const names = regions.slice(0, shownRegions).map(region).join(t("place.or"));
          return regions.length > shownRegions ? t("place.more", { names, count: regions.length - shownRegions }) : names;
        }
        case "anywhere":
          return from ? t("place.anywhereFrom", { from: region(from) }) : t("place.anywhere");
        case "unknown":
          return t("place.unknown", { name });
      }
    },
    [t, i18n, region],
  );
}

/** Gives the name of a cloud's region. One that these texts do not know is called as its provider calls it. */
export function useRegionName(): (id: string) => string {
  const { t, i18n } = useTranslation("common");
  return useCallback((id) => (i18n.exists(`region.${id}`, { ns: "common" }) ? t(`region.${id as keyof Words["region"]}`) : id), [t, i18n]);
}

/** The rule that a closed installation begins with, as the server names it; people read it in their language. */
const initialRule = "Japan";

/** Gives the name of a rule of the residency policy. */
export function useRuleName(): (name: string) => string {
  const { t } = useTranslation("common");
  return useCallback((name) => (name === initialRule ? t("reason.initialRule") : name), [t]);
}

type Reason = Exclude<keyof Words["reason"], "initialRule" | "sentence" | "content">;

type Content = keyof Words["reason"]["content"];

/** Gives the words for why the residency policy decided as it did, or "" for a reason that these texts do not know. */
export function useReasonText(): (reason: string, params: Record<string, string>) => string {
  const { t, i18n } = useTranslation("common");
  const region = useRegionName();
  const rule = useRuleName();
  return useCallback(
    (reason, params) => {
      if (!i18n.exists(`reason.${reason}`, { ns: "common" })) return "";
      const content = (of = "unknown") => t(`reason.content.${(i18n.exists(`reason.content.${of}`, { ns: "common" }) ? of : "unknown") as Content}`);
      const said = { ...params, region: region(params.region ?? ""), rule: rule(params.rule ?? ""), country: params.country ? nameOfCountry(params.country, i18n.language) : "", content: content(params.class) };
      return t(`reason.${reason as Reason}`, said);
    },
    [t, i18n, region, rule],
  );
}

/** How many of the regions that may be chosen are named before they are counted. */
const shownRegions = 3;

/** The name of a country, from its two letters, as the browser knows it. */
export function nameOfCountry(code: string, language: string): string {
  return new Intl.DisplayNames(language, { type: "region" }).of(code) ?? code;
}
