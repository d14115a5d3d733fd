import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { ja } from "@/locales/ja";
import type { Place } from "./api/types";

type Words = typeof ja.common;

/** Gives the words for where a model's input is processed, in the language in use. */
export function usePlaceText(): (place: Place) => string {
  const { t, i18n } = useTranslation("common");
  return useCallback(
    ({ kind, name = "", country = "", regions = [], from = "" }) => {
      // A name that these texts do not know is shown as the provider writes it.
      const known = <K extends string>(key: K) => i18n.exists(key, { ns: "common" });
      const region = (code: string) => (known(`region.${code}`) ? t(`region.${code as keyof Words["region"]}`) : code);
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
    [t, i18n],
  );
}

/** How many of the regions that may be chosen are named before they are counted. */
const shownRegions = 3;

/** The name of a country, from its two letters, as the browser knows it. */
export function nameOfCountry(code: string, language: string): string {
  return new Intl.DisplayNames(language, { type: "region" }).of(code) ?? code;
}
