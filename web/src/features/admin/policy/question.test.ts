import { expect, test } from "vitest";
import type { Question } from "./api";
import { draftOf, emptyQuestion, placesOf, questionOf, serviceOf } from "./question";

const allow = (action: string) => ({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: action, Resource: "*" }] });

const full: Question = {
  version: 1,
  call: { operation: "ConverseStream", region: "ap-northeast-1", modelId: "jp.m", vpcEndpoint: "vpce-2" },
  principal: { arn: "arn:aws:iam::111111111111:role/workplace", tags: { ka: "zaisei" }, policies: { identity: [{ name: "assume", document: allow("sts:AssumeRole") }] } },
  chain: [
    {
      roleArn: "arn:aws:iam::222222222222:role/bedrock",
      externalId: "city",
      sessionTags: { department: "kakoi" },
      sts: { endpoint: "regional", region: "ap-northeast-1", vpcEndpoint: "vpce-1" },
      policies: { trust: [{ name: "trust", document: allow("sts:AssumeRole") }], identity: [{ name: "invoke", document: allow("bedrock:*") }] },
    },
  ],
  accounts: [
    { id: "111111111111", organizationId: "o-city" },
    { id: "222222222222", scps: [{ name: "root", policies: [{ name: "FullAWSAccess", managed: "FullAWSAccess" }, { name: "tokyo", document: allow("*") }] }] },
  ],
  vpcEndpoints: [
    { id: "vpce-1", service: "sts", policies: [{ name: "sts", document: allow("sts:*") }] },
    { id: "vpce-2", service: "bedrock-runtime", vpc: "vpc-1" },
  ],
  allowedRegions: ["ap-northeast-1"],
};

/** Without what is undefined, as it is sent. */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("a question survives the form, with what the form has no field for", () => {
  expect(sent(questionOf(draftOf(full)))).toEqual(full);
});

test("nothing is asked of accounts and roles that were not named", () => {
  expect(sent(questionOf(draftOf(emptyQuestion)))).toEqual({ ...emptyQuestion, chain: [], accounts: [], vpcEndpoints: [] });
});

test("policies can be wherever the draft has a place", () => {
  const draft = draftOf(full);
  expect(placesOf(draft)).toEqual([
    "caller.identity", "caller.permissionsBoundary", "caller.session",
    "chain.0.trust", "chain.0.identity", "chain.0.permissionsBoundary", "chain.0.session",
    "scp.111111111111", "rcp.111111111111", "scp.222222222222", "rcp.222222222222", "endpoint.vpce-1", "endpoint.vpce-2",
  ]);
  draft.policies.push({ place: "scp.111111111111", level: "unit", name: "mine", text: JSON.stringify(allow("*")) });
  draft.fullAccess = false;
  expect(questionOf(draft).accounts?.map((a) => a.scps?.map((l) => [l.name, l.policies?.map((p) => p.name)]))).toEqual([[["unit", ["mine"]]], [["root", ["tokyo"]]]]);
});

test("the global endpoint of STS passes no VPC endpoint", () => {
  const draft = draftOf(full);
  draft.hops = draft.hops.map((hop) => ({ ...hop, sts: "global" }));
  expect(sent(questionOf(draft).chain?.[0]?.sts)).toEqual({ endpoint: "global", region: "ap-northeast-1" });
});

test("a policy that is no JSON is not sent", () => {
  const draft = draftOf(full);
  draft.policies = draft.policies.map((p) => (p.place === "caller.identity" ? { ...p, text: "{" } : p));
  expect(questionOf(draft).principal.policies).toEqual({});
});

test("each operation is asked of its service", () => {
  expect(["Converse", "ListAsyncInvokes", "ListFoundationModels", "Rerank", "InvokeAgent", "ApplyGuardrail"].map(serviceOf)).toEqual([
    "bedrock-runtime", "bedrock-runtime", "bedrock", "bedrock-agent-runtime", "bedrock-agent-runtime", "bedrock-runtime",
  ]);
});
