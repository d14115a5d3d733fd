import type { Question } from "./api";

type Policy = NonNullable<Question["principal"]["policies"]["identity"]>[number];
type RolePolicies = Question["principal"]["policies"];
type Hop = NonNullable<Question["chain"]>[number];
type Account = NonNullable<Question["accounts"]>[number];

/** A policy, and where it is: "caller.identity", "chain.0.trust", "scp.111111111111", "endpoint.vpce-1". */
export interface PolicyEntry {
  place: string;
  /** Of an SCP or an RCP: the root, a unit, the account. */
  level: string;
  name: string;
  text: string;
}

export interface HopEntry {
  roleArn: string;
  externalId: string;
  sts: "regional" | "global";
  stsRegion: string;
  /** What the form has no field for. */
  rest?: Hop;
}

/** A question as the form has it. */
export interface Draft {
  operation: string;
  region: string;
  modelId: string;
  callerArn: string;
  hops: HopEntry[];
  bedrockEndpoint: string;
  stsEndpoint: string;
  /** FullAWSAccess is attached at every level of SCPs, as it is unless somebody takes it away. */
  fullAccess: boolean;
  policies: PolicyEntry[];
  /** Where prompts may be processed, as it is typed; "" is Japan. */
  allowed: string;
  rest: Question;
}

export const emptyQuestion: Question = {
  version: 1,
  call: { operation: "Converse", region: "ap-northeast-1", modelId: "jp.anthropic.claude-haiku-4-5-20251001-v1:0" },
  principal: { arn: "", policies: {} },
};

const roleKinds = ["trust", "identity", "permissionsBoundary", "session"] as const;
const bedrockServices = ["bedrock-runtime", "bedrock-agent-runtime", "bedrock"];

const pretty = (document: unknown) => (document === undefined ? "" : JSON.stringify(document, null, 2));

/** The service that an operation is asked of, by the name of its VPC endpoint. */
export function serviceOf(operation: string): string {
  if (operation.startsWith("List") && operation !== "ListAsyncInvokes") return "bedrock";
  if (/^(Rerank|Retrieve|InvokeAgent|InvokeInlineAgent|InvokeFlow|OptimizePrompt)/.test(operation)) return "bedrock-agent-runtime";
  return "bedrock-runtime";
}

export function draftOf(question: Question): Draft {
  const policies: PolicyEntry[] = [];
  const of = (place: string, list: Policy[] | undefined | null, level = "") => {
    for (const p of list ?? []) if (!p.managed) policies.push({ place, level, name: p.name ?? "", text: pretty(p.document) });
  };
  const role = (place: string, all: RolePolicies) => {
    for (const kind of roleKinds) of(`${place}.${kind}`, all[kind]);
  };
  role("caller", question.principal.policies);
  question.chain?.forEach((hop, i) => role(`chain.${i}`, hop.policies));
  let levels = 0;
  let full = 0;
  for (const account of question.accounts ?? []) {
    for (const kind of ["scps", "rcps"] as const) {
      for (const level of account[kind] ?? []) {
        if (kind === "scps") {
          levels++;
          if (level.policies?.some((p) => p.managed === "FullAWSAccess")) full++;
        }
        of(`${kind === "scps" ? "scp" : "rcp"}.${account.id}`, level.policies, level.name);
      }
    }
  }
  for (const endpoint of question.vpcEndpoints ?? []) of(`endpoint.${endpoint.id}`, endpoint.policies);
  return {
    operation: question.call.operation,
    region: question.call.region,
    modelId: question.call.modelId ?? "",
    callerArn: question.principal.arn,
    hops: (question.chain ?? []).map((hop) => ({
      roleArn: hop.roleArn,
      externalId: hop.externalId ?? "",
      sts: hop.sts.endpoint === "global" ? "global" : "regional",
      stsRegion: hop.sts.region ?? "",
      rest: hop,
    })),
    bedrockEndpoint: question.call.vpcEndpoint ?? "",
    stsEndpoint: question.chain?.[0]?.sts.vpcEndpoint ?? "",
    fullAccess: levels === 0 || full === levels,
    policies,
    allowed: (question.allowedRegions ?? []).join(", "),
    rest: question,
  };
}

/** What was typed as a list, however it is divided. */
export const wordsOf = (text: string) => text.split(/[\s,、]+/).filter(Boolean);

/** The accounts on the way, in order. */
export function accountsOf(draft: Pick<Draft, "callerArn" | "hops">): string[] {
  const ids = [draft.callerArn, ...draft.hops.map((hop) => hop.roleArn)].map((arn) => arn.split(":")[4] ?? "");
  return [...new Set(ids.filter((id) => /^\d{12}$/.test(id)))];
}

/** Where a policy can be, for the draft as it stands. */
export function placesOf(draft: Draft): string[] {
  return [
    ...["identity", "permissionsBoundary", "session"].map((kind) => `caller.${kind}`),
    ...draft.hops.flatMap((_, i) => roleKinds.map((kind) => `chain.${i}.${kind}`)),
    ...accountsOf(draft).flatMap((id) => [`scp.${id}`, `rcp.${id}`]),
    ...[draft.stsEndpoint, draft.bedrockEndpoint].filter(Boolean).map((id) => `endpoint.${id}`),
  ];
}

/** A document as it is written, or nothing where it is no JSON. */
export function parsed(text: string): { document: unknown } | undefined {
  try {
    return { document: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** The question of a draft. Policies whose text is no JSON are left out; the form says so before. */
export function questionOf(draft: Draft): Question {
  const at = (place: string) =>
    draft.policies
      .filter((p) => p.place === place)
      .flatMap((p) => {
        const read = parsed(p.text);
        return read ? [{ name: p.name, document: read.document }] : [];
      });
  const role = (place: string): RolePolicies => Object.fromEntries(roleKinds.flatMap((kind) => (at(`${place}.${kind}`).length > 0 ? [[kind, at(`${place}.${kind}`)]] : [])));
  const levels = (place: string, managed: string[]) => {
    const names = [...new Set(draft.policies.filter((p) => p.place === place).map((p) => p.level))];
    return names.map((level) => ({
      name: level || "root",
      policies: [
        ...managed.map((name) => ({ name, managed: name })),
        ...draft.policies.filter((p) => p.place === place && p.level === level).flatMap((p) => {
          const read = parsed(p.text);
          return read ? [{ name: p.name, document: read.document }] : [];
        }),
      ],
    }));
  };
  const known = (id: string): Account | undefined => draft.rest.accounts?.find((a) => a.id === id);
  const accounts = accountsOf(draft).map((id) => {
    const scps = levels(`scp.${id}`, draft.fullAccess ? ["FullAWSAccess"] : []);
    const rcps = levels(`rcp.${id}`, []);
    return { ...known(id), id, scps: scps.length > 0 ? scps : undefined, rcps: rcps.length > 0 ? rcps : undefined };
  });
  // Of the endpoints, those of other Regions stay as they were.
  const old = draft.rest.vpcEndpoints ?? [];
  const service = serviceOf(draft.operation);
  const endpoints = old.filter((e) => e.id !== draft.bedrockEndpoint && e.id !== draft.stsEndpoint && e.id !== draft.rest.call.vpcEndpoint && e.id !== draft.rest.chain?.[0]?.sts.vpcEndpoint);
  const endpoint = (id: string, of: string) => {
    const before = old.find((e) => e.id === id);
    const policies = at(`endpoint.${id}`);
    return { ...before, id, service: before && (of === "sts") === !bedrockServices.includes(before.service) ? before.service : of, policies: policies.length > 0 ? policies : undefined };
  };
  if (draft.stsEndpoint) endpoints.push(endpoint(draft.stsEndpoint, "sts"));
  if (draft.bedrockEndpoint && draft.bedrockEndpoint !== draft.stsEndpoint) endpoints.push(endpoint(draft.bedrockEndpoint, service));
  return {
    ...draft.rest,
    call: { ...draft.rest.call, operation: draft.operation, region: draft.region, modelId: draft.modelId || undefined, vpcEndpoint: draft.bedrockEndpoint || undefined },
    principal: { ...draft.rest.principal, arn: draft.callerArn, policies: role("caller") },
    chain: draft.hops.map((hop, i) => ({
      ...hop.rest,
      roleArn: hop.roleArn,
      externalId: hop.externalId || undefined,
      sts: {
        endpoint: hop.sts,
        region: hop.stsRegion || (hop.sts === "regional" ? draft.region : undefined),
        vpcEndpoint: hop.sts === "global" ? undefined : ownEndpoint(hop, draft),
      },
      policies: role(`chain.${i}`),
    })),
    accounts,
    vpcEndpoints: endpoints,
    allowedRegions: draft.allowed.trim() ? wordsOf(draft.allowed) : undefined,
  };
}

/** The endpoint that a hop passes: one of another Region keeps its own. */
function ownEndpoint(hop: HopEntry, draft: Draft): string | undefined {
  const before = hop.rest?.sts.vpcEndpoint;
  const first = draft.rest.chain?.[0]?.sts.vpcEndpoint;
  return (before && before !== first ? before : draft.stsEndpoint) || undefined;
}
