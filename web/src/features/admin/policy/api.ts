import { api, unwrap } from "@/lib/api/client";
import type { Locale, Schemas } from "@/lib/api/types";

/** The documents of `kakoi policy`, as the command line takes and gives them. */
export type Question = Schemas["SimulatedInput"];
export type Answer = Schemas["Simulation"];
export type Check = Schemas["SimulatedCheck"];
export type Message = Schemas["SimulatedMessage"];
export type Finding = Schemas["IAMFinding"];
export type Generated = Schemas["Generation"];
export type GeneratedDocument = Schemas["GeneratedDocument"];
export type Outcome = Schemas["GeneratedOutcome"];
export type Approach = Schemas["GeneratedApproach"];

/** The faces of the page; they stand in the address. */
export const policyTabs = ["simulate", "generate"] as const;
export type PolicyTab = (typeof policyTabs)[number];

/** What policies are generated for; a connection fills in the rest. */
export interface Case {
  version: 1;
  principal: { arn: string };
  chain?: { roleArn: string; externalId?: string }[];
  regions?: string[];
  models?: string[];
  operations: string[];
  governedRegions?: string[];
  allowedRegions?: string[];
}

export const simulate = (question: unknown, lang: Locale) => unwrap(api.POST("/admin/policy/simulate", { params: { query: { lang } }, body: question }));
export const generate = (connectionId: string, of: Case, lang: Locale) =>
  unwrap(api.POST("/admin/policy/generate", { params: { query: { lang } }, body: { connectionId: connectionId || undefined, case: of } }));
