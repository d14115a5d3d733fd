import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import type { ja } from "@/locales/ja";
import type { Step } from "./api";

type Texts = typeof ja.doctor;
type CodeName = Extract<keyof Texts["code"], string>;
type StepName = Extract<keyof Texts["step"], string>;
type FactName = Extract<keyof Texts["fact"], string>;

/** The words for what a step is about and what it has found. */
export interface StepWords {
  name: string;
  /** "" where all is well, or the code is newer than these texts. */
  what: string;
  cause: string;
  remedy: string;
  facts: { name: string; value: string }[];
}

type Finding = Pick<StepWords, "what" | "cause" | "remedy">;

/** Gives the words for what was found, by its code, in the language in use. */
export function useFindingWords(): (code: string, params: Record<string, string>) => Finding {
  const { t, i18n } = useTranslation("doctor");
  const format = useFormats();
  return useCallback(
    (found, params) => {
      if (!i18n.exists(`code.${found}.what`, { ns: "doctor" })) return { what: found, cause: "", remedy: "" };
      const code = found as CodeName;
      const values: Record<string, unknown> = params.skew ? { ...params, skew: lasting(params.skew, format) } : params;
      // A value that the server did not give leaves nothing behind, as on the command line.
      const say = (what: "what" | "cause" | "remedy") => t(`code.${code}.${what}`, values).replace(/\{\{\w+\}\}/g, "");
      return { what: say("what"), cause: say("cause"), remedy: say("remedy") };
    },
    [t, i18n, format],
  );
}

/** A duration as the server writes it, such as -1h3m0s, in words. */
function lasting(value: string, format: ReturnType<typeof useFormats>): string {
  const [, minus = "", hours = 0, minutes = 0, seconds = 0] = /^(-?)(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?$/.exec(value) ?? [];
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return ms > 0 || /^-?0s$/.test(value) ? minus + format.duration(ms) : value;
}

/** Gives the words for steps, in the language in use. */
export function useStepWords(): (step: Step) => StepWords {
  const { t, i18n } = useTranslation("doctor");
  const format = useFormats();
  const findingWords = useFindingWords();
  return useCallback(
    (step) => {
      const known = (path: string) => i18n.exists(path, { ns: "doctor" });
      const valueOf = ({ name, value }: Step["facts"][number]) => (name === "listed" && (value === "true" || value === "false") ? t(`listed.${value}`) : name === "validUntil" ? format.dateTime(value) : name === "skew" ? lasting(value, format) : value);
      const role = /^role_(\d+)$/.exec(step.name)?.[1];
      const name = role ? t("step.role", { n: role }) : known(`step.${step.name}`) ? t(`step.${step.name as StepName}`) : step.name;
      const facts = step.facts.map((fact) => ({ name: known(`fact.${fact.name}`) ? t(`fact.${fact.name as FactName}`) : fact.name, value: valueOf(fact) }));
      return { name, ...(step.code ? findingWords(step.code, step.params) : { what: "", cause: "", remedy: "" }), facts };
    },
    [t, i18n, format, findingWords],
  );
}

/** A group of steps under one heading. */
export interface Group {
  key: string;
  /** Of the connection it is about, or "". */
  id: string;
  group: Step["group"];
  name: string;
  steps: Step[];
  /** Which of all steps the first of them is. */
  from: number;
}

/** Puts steps that follow each other under their headings. */
export function grouped(steps: Step[]): Group[] {
  const groups: Group[] = [];
  for (const [i, step] of steps.entries()) {
    const key = `${step.group} ${step.connectionId ?? ""}`;
    const last = groups.at(-1);
    if (last?.key === key) last.steps.push(step);
    else groups.push({ key, id: step.connectionId ?? "", group: step.group, name: step.connectionName ?? "", steps: [step], from: i });
  }
  return groups;
}

/** How many steps went how. */
export function counts(steps: Step[]): Record<Step["status"], number> {
  const all = { ok: 0, warning: 0, failed: 0, unknown: 0, skipped: 0 };
  for (const step of steps) all[step.status]++;
  return all;
}
