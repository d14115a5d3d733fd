import { useTranslation } from "react-i18next";
import { dayOf, lastDayOf, useDayText } from "@/lib/day";

/** Gives the words for from when to when something holds, in days; nothing where neither is said. */
export function useSpanText(): (span: { from?: string; until?: string }) => string {
  const { t } = useTranslation("people");
  const dayText = useDayText();
  return ({ from, until }) => {
    if (from && until) return t("units.span", { from: dayText(dayOf(from)), until: dayText(lastDayOf(until)) });
    if (from) return t("units.spanFrom", { from: dayText(dayOf(from)) });
    return until ? t("units.spanUntil", { until: dayText(lastDayOf(until)) }) : "";
  };
}
