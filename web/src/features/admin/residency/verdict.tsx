import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { limitsQuery } from "@/features/account/api";
import type { Decision } from "@/lib/api/types";
import { confidentialities } from "@/lib/confidentiality";
import { useFormats } from "@/lib/format";
import { useReasonText } from "@/lib/place";
import { State } from "@/ui/state";
import { groupsQuery } from "../groups/api";

type Judged = Pick<Decision, "allowed" | "only" | "classes">;

/**
 * Whether a model is permitted to the people it is for: to all, to some or for
 * some classes, to nobody. Where conversations are classified, what has no class
 * does not count: there is none.
 */
export function verdictOf({ allowed, only, classes }: Judged, classified: boolean): "allowed" | "partly" | "barred" {
  if (allowed || (classified && confidentialities.every((one) => classes?.includes(one)))) return "allowed";
  return only?.length || classes?.length ? "partly" : "barred";
}

/** Gives the same for the organisation as it is. */
export function useVerdict(): (decision: Judged) => ReturnType<typeof verdictOf> {
  const classified = (useQuery(limitsQuery).data?.defaultClass ?? 0) > 0;
  return useCallback((decision) => verdictOf(decision, classified), [classified]);
}

const tones = { allowed: "on", partly: "wait", barred: "stop" } as const;

/** The same as a mark and a word. */
export function Verdict({ decision }: { decision: Decision }) {
  const { t } = useTranslation("admin");
  const verdict = useVerdict()(decision);
  return <State tone={tones[verdict]}>{t(`residency.${verdict === "partly" && decision.classes ? "partlyClasses" : verdict}`)}</State>;
}

/** Gives the words for why a decision is as it is, and for whom. */
export function useVerdictText(): (decision: Decision) => string {
  const { t } = useTranslation("admin");
  const reasonText = useReasonText();
  const format = useFormats();
  const verdictOf = useVerdict();
  const groups = useQuery(groupsQuery).data?.items;
  return useCallback(
    (decision) => {
      const why = reasonText(decision.reason, decision.params) || decision.text;
      const verdict = verdictOf(decision);
      if (verdict === "allowed" && !decision.allowed) return t("residency.everyClass");
      if (verdict !== "partly") return why;
      if (decision.classes) {
        const classes = format.list(decision.classes.map((one) => (one === 0 ? t("residency.unclassified") : t(`chat.class${one as 1 | 2 | 3}`))));
        return decision.reason === "class_barred" ? t("residency.onlyTheseClasses", { classes }) : t("residency.onlyClasses", { classes, why });
      }
      const names = (decision.only ?? []).map((id) => groups?.find((g) => g.id === id)?.name ?? t("residency.goneGroup"));
      return t("residency.onlyFor", { groups: format.list(names), why });
    },
    [t, reasonText, format, groups, verdictOf],
  );
}
