import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { ja } from "@/locales/ja";
import type { Place } from "./api/types";

type Words = typeof ja.common;

/** Gives the words for where a model's input is processed, in the language in use. */
export function usePlaceText(): (place: Place) => string {
  const { t, i18n } = useTranslation("common");
  return useCallback(
    ({ kind, name = "", from = "" }) => {
      // A name that these texts do not know is shown as the provider writes it.
      const known = <K extends string>(key: K) => i18n.exists(key, { ns: "common" });
      const region = (code: string) => (known(`region.${code}`) ? t(`region.${code as keyof Words["region"]}`) : code);
      const geography = known(`geography.${name}`) ? t(`geography.${name as keyof Words["geography"]}`) : name;
      switch (kind) {
        case "server":
          return t("place.server");
        case "host":
          return name;
        case "region":
          return region(name);
        case "geography":
          return from ? t("place.geography", { name: geography, from: region(from) }) : geography;
        case "unknown":
          return t("place.unknown", { name });
      }
    },
    [t, i18n],
  );
}
