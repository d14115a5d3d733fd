import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { ja } from "@/locales/ja";

/** Regions to choose from; others can be typed. */
export const knownRegions = ["ap-northeast-1", "ap-northeast-3", "us-east-1", "us-west-2", "eu-central-1", "ap-southeast-2"].map((value) => ({ value, label: value }));

type Regions = keyof (typeof ja.common)["region"];

/** Gives the name of a Region with its code, in the language in use. */
export function useRegionName(): (code: string) => string {
  const { t, i18n } = useTranslation("common");
  const { t: own } = useTranslation("policy");
  return useCallback(
    (code) => {
      if (code === "unspecified") return own("anywhere");
      return i18n.exists(`region.${code}`, { ns: "common" }) ? own("regionNamed", { name: t(`region.${code as Regions}`), code }) : code;
    },
    [t, own, i18n],
  );
}

/** The words for where a policy is: "chain.0.trust", "scp.111111111111". */
export function usePlaceName(): (place: string) => string {
  const { t } = useTranslation("policy");
  return useCallback(
    (place) => {
      const [of = "", which = "", kind = ""] = place.split(".");
      switch (of) {
        case "caller":
          return t("place.caller", { kind: t(`kind.${which as "identity"}`) });
        case "chain":
          return t("place.role", { n: Number(which) + 1, kind: t(`kind.${kind as "identity"}`) });
        case "endpoint":
          return t("place.endpoint", { id: which });
        default:
          return t(of === "scp" ? "place.scp" : "place.rcp", { account: which });
      }
    },
    [t],
  );
}
