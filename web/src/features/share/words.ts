import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import type { Sharing } from "./api";

/** The words for how something is shared. */
export function useShareWords() {
  const { t } = useTranslation("share");
  const format = useFormats();
  return {
    kind: ({ live }: Pick<Sharing, "live">) => t(live ? "live" : "snapshot"),
    until: ({ expiresAt }: Pick<Sharing, "expiresAt">) => (expiresAt ? t("until", { date: format.dateTime(expiresAt) }) : t("untilRevoked")),
    /** For whom it is: everyone, or a few names and how many more. */
    whom: (everyone: boolean, names: readonly string[], count: number) => {
      if (everyone) return t("everyone");
      if (count === 0) return t("nobody");
      const shown = format.list(names.slice(0, 3));
      return count > Math.min(names.length, 3) ? t("andMore", { names: shown, count: count - Math.min(names.length, 3) }) : shown;
    },
  };
}
