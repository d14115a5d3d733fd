import { describe, expect, it } from "vitest";
import type { Decision, ResidencyRule } from "@/lib/api/types";
import { changes, emptyRule, formOf, policyOf, rewritten, ruleOf, same } from "./draft";
import { verdictOf } from "./verdict";

const rule: ResidencyRule = { name: "Japan", groupIds: [], regions: ["ap-northeast-1"], countries: ["JP"], models: ["anthropic.*"], classes: [1, 2] };
const decision = (allowed: boolean): Decision => ({ allowed, place: { kind: "server" }, reason: "permitted", params: {}, text: "", instead: [] });

describe("a rule as a form", () => {
  it("comes back as it was, under the name that was read", () => {
    expect(ruleOf(formOf(rule, "日本国内"))).toEqual({ ...rule, name: "日本国内" });
  });

  it("takes models line by line, and forgets them and the groups when it is for all", () => {
    const form = { ...emptyRule, name: " a ", audience: "groups" as const, groupIds: ["g"], scope: "some" as const, models: "anthropic.*\n\n  amazon.nova-lite-v1:0 " };
    expect(ruleOf(form)).toEqual({ name: "a", groupIds: ["g"], regions: [], countries: [], models: ["anthropic.*", "amazon.nova-lite-v1:0"], classes: [] });
    expect(ruleOf({ ...form, audience: "everyone", scope: "all" })).toMatchObject({ groupIds: [], models: [] });
  });
});

describe("what is permitted", () => {
  it("is not diminished by what has no class, where everything has one", () => {
    const [all, some] = [{ allowed: false, classes: [1, 2, 3] }, { allowed: false, classes: [1, 2] }];
    expect([verdictOf(all, true), verdictOf(all, false), verdictOf(some, true)]).toEqual(["allowed", "partly", "partly"]);
    expect([verdictOf({ allowed: true }, false), verdictOf({ allowed: false, only: ["g"] }, true), verdictOf({ allowed: false }, true)]).toEqual(["allowed", "partly", "barred"]);
  });
});

describe("a policy", () => {
  it("that is open has no rules, whichever stand in the form", () => {
    expect(policyOf({ open: true, rules: [rule] })).toEqual({ open: true, rules: [] });
    expect(same({ open: true, rules: [rule] }, { open: true, rules: [] })).toBe(true);
    expect(same({ open: false, rules: [rule] }, { open: true, rules: [rule] })).toBe(false);
    expect(same({ open: false, rules: [rule] }, { open: false, rules: [{ ...rule, regions: [] }] })).toBe(false);
    expect(same({ open: false, rules: [rule] }, { open: false, rules: [{ ...rule, classes: [] }] })).toBe(false);
  });

  it("says what it changes for the models", () => {
    const row = (modelId: string, now: boolean, then: boolean) => ({ modelId, now: decision(now), then: decision(then) });
    const { barred, allowed } = changes([row("a", true, false), row("b", false, true), row("c", true, true), row("d", false, false)], (d) => d.allowed);
    expect([barred.map((m) => m.modelId), allowed.map((m) => m.modelId)]).toEqual([["a"], ["b"]]);
  });

  it("says how its rules became others", () => {
    const [kept, other] = [{ ...rule, name: "kept" }, { ...rule, name: "other" }];
    const after = [kept, { ...rule, regions: ["ap-northeast-3"] }, { ...rule, name: "new" }];
    expect(rewritten({ open: false, rules: [rule, kept, other] }, { open: false, rules: after })).toEqual({ added: ["new"], changed: ["Japan"], removed: ["other"] });
    expect(rewritten({ open: false, rules: [rule] }, { open: true, rules: [] })).toEqual({ added: [], changed: [], removed: ["Japan"] });
  });
});
