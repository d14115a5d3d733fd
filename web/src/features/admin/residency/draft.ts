import type { Decision, Foreseen, ResidencyRule } from "@/lib/api/types";
import type { Draft } from "./api";

/** What stands in the form of a rule. */
export interface RuleForm {
  name: string;
  audience: "everyone" | "groups";
  groupIds: string[];
  regions: string[];
  countries: string[];
  scope: "all" | "some";
  /** One pattern a line. */
  models: string;
  /** "1" to "3"; none: whatever the class. */
  classes: string[];
}

export const emptyRule: RuleForm = { name: "", audience: "everyone", groupIds: [], regions: [], countries: [], scope: "all", models: "", classes: [] };

/** The form of a rule under the name that people read. */
export function formOf(rule: ResidencyRule, name: string): RuleForm {
  return {
    name,
    audience: rule.groupIds.length > 0 ? "groups" : "everyone",
    groupIds: rule.groupIds,
    regions: rule.regions,
    countries: rule.countries,
    scope: rule.models.length > 0 ? "some" : "all",
    models: rule.models.join("\n"),
    classes: (rule.classes ?? []).map(String),
  };
}

/** The rule of a form. Groups and models that were chosen before everyone and all were are not sent. */
export function ruleOf(form: RuleForm): ResidencyRule {
  return {
    name: form.name.trim(),
    groupIds: form.audience === "groups" ? form.groupIds : [],
    regions: form.regions,
    countries: form.countries,
    models: form.scope === "some" ? patternsOf(form.models) : [],
    classes: form.classes.map(Number).sort(),
  };
}

export const patternsOf = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/** The policy as it is sent and compared: an open one has no rules. */
export function policyOf({ open, rules }: Draft): Draft {
  return { open, rules: open ? [] : rules };
}

/** Whether two policies are the same, whatever else came with them. */
export function same(one: Draft, other: Draft): boolean {
  const text = (draft: Draft) => JSON.stringify([draft.open, policyOf(draft).rules.map((r) => [r.name, r.groupIds, r.regions, r.countries, r.models, r.classes ?? []])]);
  return text(one) === text(other);
}

/** Which models become barred or permitted, of those that people may choose. */
export function changes(items: readonly Foreseen[], mayUse: (decision: Decision) => boolean): { barred: Foreseen[]; allowed: Foreseen[] } {
  return {
    barred: items.filter((m) => mayUse(m.now) && !mayUse(m.then)),
    allowed: items.filter((m) => !mayUse(m.now) && mayUse(m.then)),
  };
}

/** How the rules of one policy became those of another, by their names. */
export function rewritten(before: Draft, after: Draft): Record<"added" | "changed" | "removed", string[]> {
  const [was, is] = [policyOf(before).rules, policyOf(after).rules];
  const names = (rules: readonly ResidencyRule[]) => rules.map((rule) => rule.name);
  const apart = (rule: ResidencyRule, old: ResidencyRule) => !same({ open: false, rules: [rule] }, { open: false, rules: [old] });
  return {
    added: names(is.filter((rule) => !was.some((old) => old.name === rule.name))),
    changed: names(is.filter((rule) => was.some((old) => old.name === rule.name && apart(rule, old)))),
    removed: names(was.filter((old) => !is.some((rule) => rule.name === old.name))),
  };
}
