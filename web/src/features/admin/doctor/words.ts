import { useCallback } from "react";
import { useTranslation } from "react-i18next";
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

/** Gives the words for steps, in the language in use. */
export function useStepWords(): (step: Step) => StepWords {
  const { t, i18n } = useTranslation("doctor");
  return useCallback(
    (step) => {
      const known = (path: string) => i18n.exists(path, { ns: "doctor" });
      const role = /^role_(\d+)$/.exec(step.name)?.[1];
      const name = role ? t("step.role", { n: role }) : known(`step.${step.name}`) ? t(`step.${step.name as StepName}`) : step.name;
      const facts = step.facts.map((fact) => ({ name: known(`fact.${fact.name}`) ? t(`fact.${fact.name as FactName}`) : fact.name, value: fact.value }));
      if (!step.code || !known(`code.${step.code}.what`)) return { name, what: step.code ?? "", cause: "", remedy: "", facts };
      const code = step.code as CodeName;
      const values: Record<string, unknown> = step.params;
      // A value that the server did not give leaves nothing behind, as on the command line.
      const say = (what: "what" | "cause" | "remedy") => t(`code.${code}.${what}`, values).replace(/\{\{\w+\}\}/g, "");
      return { name, what: say("what"), cause: say("cause"), remedy: say("remedy"), facts };
    },
    [t, i18n],
  );
}

/** A group of steps under one heading. */
export interface Group {
  key: string;
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
    else groups.push({ key, group: step.group, name: step.connectionName ?? "", steps: [step], from: i });
  }
  return groups;
}

/** How many steps went how. */
export function counts(steps: Step[]): Record<Step["status"], number> {
  const all = { ok: 0, warning: 0, failed: 0, unknown: 0, skipped: 0 };
  for (const step of steps) all[step.status]++;
  return all;
}
