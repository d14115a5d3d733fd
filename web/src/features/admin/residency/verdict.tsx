import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { Decision } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { useReasonText } from "@/lib/place";
import { State } from "@/ui/state";
import { groupsQuery } from "../groups/api";

/** Whether a model is permitted to the people it is for: to all, to some or for some classes, to nobody. */
export function verdictOf({ allowed, only = [], classes = [] }: Decision): "allowed" | "partly" | "barred" {
  return allowed ? "allowed" : only.length > 0 || classes.length > 0 ? "partly" : "barred";
}

const tones = { allowed: "on", partly: "wait", barred: "stop" } as const;

/** The same as a mark and a word. */
export function Verdict({ decision }: { decision: Decision }) {
  const { t } = useTranslation("admin");
  const verdict = verdictOf(decision);
  return <State tone={tones[verdict]}>{t(`residency.${verdict}`)}</State>;
}

/** Gives the words for why a decision is as it is, and for whom. */
export function useVerdictText(): (decision: Decision) => string {
  const { t } = useTranslation("admin");
  const reasonText = useReasonText();
  const format = useFormats();
  const groups = useQuery(groupsQuery).data?.items;
  return useCallback(
    (decision) => {
      const why = reasonText(decision.reason, decision.params) || decision.text;
      if (verdictOf(decision) !== "partly") return why;
      if (decision.classes) return t("residency.onlyClasses", { classes: format.list(decision.classes.map((one) => (one === 0 ? t("residency.unclassified") : t(`chat.class${one as 1 | 2 | 3}`)))), why });
      const names = (decision.only ?? []).map((id) => groups?.find((g) => g.id === id)?.name ?? t("residency.goneGroup"));
      return t("residency.onlyFor", { groups: format.list(names), why });
    },
    [t, reasonText, format, groups],
  );
}
