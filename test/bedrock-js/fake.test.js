// The official JavaScript SDK, as it comes, against the fake of Bedrock and STS.
// It proves the fake: what holds here holds for the real thing's clients.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BedrockClient, GetInferenceProfileCommand, ListFoundationModelsCommand, ListGuardrailsCommand, ListInferenceProfilesCommand } from "@aws-sdk/client-bedrock";
import { BedrockAgentRuntimeClient, paginateRerank, RerankCommand } from "@aws-sdk/client-bedrock-agent-runtime";
import {
  ApplyGuardrailCommand,
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const fake = JSON.parse(process.env.FAKE);
const model = "jp.anthropic.claude-haiku-4-5-20251001-v1:0";
const key = { accessKeyId: fake.accessKeyId, secretAccessKey: fake.secretAccessKey };

const config = (credentials = key) => ({ region: fake.region, endpoint: fake.bedrock, credentials, maxAttempts: 1 });

/** runtime returns a client that the test closes. */
function runtime(t, credentials) {
  const client = new BedrockRuntimeClient(config(credentials));
  t.after(() => client.destroy());
  return client;
}

const ask = (text, more = {}) => ({ modelId: model, messages: [{ role: "user", content: [{ text }] }], ...more });

/** gather reads a stream to its end or its error. */
async function gather(client, input) {
  const got = { text: "", reasoning: "", signature: "", order: [], tools: [] };
  try {
    const out = await client.send(new ConverseStreamCommand(input));
    for await (const ev of out.stream) {
      const kind = Object.keys(ev)[0];
      if (got.order.at(-1) !== kind) got.order.push(kind);
      const delta = ev.contentBlockDelta?.delta;
      got.text += delta?.text ?? "";
      const tool = ev.contentBlockStart?.start?.toolUse;
      if (tool) got.tools.push({ ...tool, input: "" });
      if (delta?.toolUse) got.tools.at(-1).input += delta.toolUse.input;
      got.reasoning += delta?.reasoningContent?.text ?? "";
      got.signature += delta?.reasoningContent?.signature ?? "";
      if (ev.messageStop) got.stop = ev.messageStop.stopReason;
      if (ev.messageStop) got.fields = ev.messageStop.additionalModelResponseFields;
      if (ev.metadata) Object.assign(got, { usage: ev.metadata.usage, trace: ev.metadata.trace, latency: ev.metadata.performanceConfig?.latency, tier: ev.metadata.serviceTier?.type });
    }
  } catch (err) {
    got.error = err;
  }
  return got;
}

test("Converse answers", async (t) => {
  const out = await runtime(t).send(new ConverseCommand(ask("[[say はい、そうです。]]")));
  assert.equal(out.output.message.content[0].text, "はい、そうです。");
  assert.equal(out.stopReason, "end_turn");
  assert.ok(out.usage.totalTokens > 0);
});

test("ConverseStream answers, its usage after the end mark", async (t) => {
  const got = await gather(runtime(t), ask("[[say 一二三四五六七八九十]]"));
  assert.equal(got.error, undefined);
  assert.equal(got.text, "一二三四五六七八九十");
  assert.deepEqual(got.order.slice(-2), ["messageStop", "metadata"]);
  assert.equal(got.usage.outputTokens, 5);
});

test("reasoning comes with its signature", async (t) => {
  const got = await gather(
    runtime(t),
    ask("なぜ?", {
      inferenceConfig: { maxTokens: 4096 },
      additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 2048 } },
    }),
  );
  assert.equal(got.error, undefined);
  assert.ok(got.reasoning.length > 0 && got.signature.length > 0 && got.text.length > 0);
});

test("an image is seen", async (t) => {
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const got = await gather(runtime(t), {
    modelId: model,
    messages: [{ role: "user", content: [{ text: "what is it?" }, { image: { format: "png", source: { bytes: png } } }] }],
  });
  assert.match(got.text, /I see a 1x1 png/);
});

test("a document is read, and needs words beside it and a plain name", async (t) => {
  const pdf = { document: { format: "pdf", name: "document-1", source: { bytes: Buffer.from("%PDF-1.7") } } };
  const send = (content) => gather(runtime(t), { modelId: model, messages: [{ role: "user", content }] });
  const got = await send([{ text: "what is it?" }, pdf]);
  assert.equal(got.error, undefined);
  assert.match(got.text, /document-1/);
  assert.equal((await send([pdf])).error?.name, "ValidationException");
  assert.equal((await send([{ text: "?" }, { document: { ...pdf.document, name: "a/b.pdf" } }])).error?.name, "ValidationException");
});

const toolConfig = {
  tools: [
    { toolSpec: { name: "get_weather", description: "Looks the weather up.", inputSchema: { json: { type: "object", properties: { city: { type: "string" } } } } } },
    { toolSpec: { name: "clock", inputSchema: { json: { type: "object" } } } },
  ],
};

test("tools are wanted at once, and their results answered", async (t) => {
  const client = runtime(t);
  const input = ask('[[tool get_weather {"city":"札幌"}]][[tool clock]] 天気は?', { toolConfig });
  const got = await gather(client, input);
  assert.equal(got.error, undefined);
  assert.equal(got.stop, "tool_use");
  assert.deepEqual(got.tools.map((u) => [u.name, u.input]), [["get_weather", '{"city":"札幌"}'], ["clock", ""]]);
  const uses = got.tools.map((u) => ({ toolUse: { toolUseId: u.toolUseId, name: u.name, input: JSON.parse(u.input || "{}") } }));
  const results = got.tools.map((u, i) => ({ toolResult: { toolUseId: u.toolUseId, content: [{ text: ["晴れ", "正午"][i] }] } }));
  const then = (content) => gather(client, { ...input, messages: [...input.messages, { role: "assistant", content: uses }, { role: "user", content }] });
  assert.match((await then(results)).text, /晴れ \/ 正午/);
  assert.match((await then(results.slice(1))).error?.message, /Expected toolResult blocks at messages.2.content/);
  const without = await gather(client, { modelId: model, messages: [...input.messages, { role: "assistant", content: uses }, { role: "user", content: results }] });
  assert.match(without.error?.message, /toolConfig field must be defined/);
});

test("a whole answer holds the uses of tools too", async (t) => {
  const out = await runtime(t).send(new ConverseCommand(ask('[[tool get_weather {"city":"札幌"}]]', { toolConfig })));
  assert.equal(out.stopReason, "tool_use");
  assert.deepEqual(out.output.message.content.find((b) => b.toolUse).toolUse.input, { city: "札幌" });
});

const guardrailConfig = { guardrailIdentifier: "gr1234567890", guardrailVersion: "1", trace: "enabled" };

test("a guardrail intervenes and leaves its trace", async (t) => {
  const client = runtime(t);
  const got = await gather(client, ask("選挙運動のちらし", { guardrailConfig: { ...guardrailConfig, streamProcessingMode: "sync" } }));
  assert.equal(got.stop, "guardrail_intervened");
  assert.equal(got.trace.guardrail.inputAssessment.gr1234567890.topicPolicy.topics[0].action, "BLOCKED");
  const whole = await client.send(new ConverseCommand(ask("選挙運動", { guardrailConfig })));
  assert.equal(whole.stopReason, "guardrail_intervened");
  const marked = [{ text: "選挙運動" }, { guardContent: { text: { text: "天気は?" } } }];
  const judged = await gather(client, { modelId: model, guardrailConfig, messages: [{ role: "user", content: marked }] });
  assert.equal(judged.stop, "end_turn");
  assert.equal((await gather(client, ask("hello", { guardrailConfig: { ...guardrailConfig, guardrailVersion: "9" } }))).error?.name, "ValidationException");
});

test("what is asked of Bedrock itself is taken and repeated", async (t) => {
  const got = await gather(
    runtime(t),
    ask("hello", {
      performanceConfig: { latency: "optimized" },
      serviceTier: { type: "flex" },
      requestMetadata: { department: "soumu" },
      additionalModelResponseFieldPaths: ["/stop_reason"],
      system: [{ text: "s" }, { cachePoint: { type: "default", ttl: "1h" } }],
    }),
  );
  assert.equal(got.error, undefined);
  assert.deepEqual([got.latency, got.tier, got.fields], ["optimized", "flex", { stop_reason: "end_turn" }]);
  assert.ok(got.usage.cacheWriteInputTokens > 0);
});

test("a model is called by the ARN of an application inference profile", async (t) => {
  const arn = "arn:aws:bedrock:ap-northeast-1:111122223333:application-inference-profile/abcdef123456";
  const got = await gather(runtime(t), { ...ask("hello"), modelId: arn });
  assert.equal(got.error, undefined);
});

for (const [prompt, name] of [
  ["[[throttle]]", "ThrottlingException"],
  ["[[denied scp]]", "AccessDeniedException"],
  ["[[denied form]]", "ResourceNotFoundException"],
  ["[[toolong]]", "ValidationException"],
  ["[[failure]]", "InternalServerException"],
  ["[[unavailable]]", "ServiceUnavailableException"],
]) {
  test(`${prompt} is ${name}`, async (t) => {
    const got = await gather(runtime(t), ask(`${prompt} hello`));
    assert.equal(got.error?.name, name);
    assert.ok(got.error.$metadata.requestId);
  });
}

test("an exception inside the stream comes after what was said", async (t) => {
  const got = await gather(runtime(t), ask("[[error 3 throttling]] hello"));
  assert.equal(got.error?.name, "ThrottlingException");
  assert.ok(got.text.length > 0);
  assert.equal(got.stop, undefined);
});

for (const fault of ["cut", "corrupt"]) {
  test(`[[${fault} 3]] is no clean end`, async (t) => {
    const got = await gather(runtime(t), ask(`[[${fault} 3]] hello`));
    assert.ok(got.error, "the stream ended without an error");
    assert.equal(got.stop, undefined);
  });
}

test("a client that leaves is noticed", async (t) => {
  const abort = new AbortController();
  const out = await runtime(t).send(new ConverseStreamCommand(ask("[[slow]][[long 500]] hello")), { abortSignal: abort.signal });
  const stats = async () => (await fetch(`${fake.control}/stats`)).json();
  const before = await stats();
  for await (const ev of out.stream) {
    if (ev.contentBlockDelta) break;
  }
  abort.abort();
  const soon = AbortSignal.timeout(1000);
  let now = await stats();
  while (now.Gone === before.Gone && !soon.aborted) now = await stats();
  assert.equal(now.Gone, before.Gone + 1);
});

for (const [what, credentials, name] of [
  ["a wrong secret", { ...key, secretAccessKey: "wrong" }, "InvalidSignatureException"],
  ["an unknown key", { ...key, accessKeyId: "AKIAUNKNOWN" }, "UnrecognizedClientException"],
]) {
  test(`${what} is ${name}`, async (t) => {
    const got = await gather(runtime(t, credentials), ask("hello"));
    assert.equal(got.error?.name, name);
  });
}

test("a malformed conversation is refused", async (t) => {
  const twice = { role: "user", content: [{ text: "a" }] };
  const got = await gather(runtime(t), { modelId: model, messages: [twice, twice] });
  assert.equal(got.error?.name, "ValidationException");
});

/** invoke sends a body to a model and reads the answer's. */
async function invoke(t, modelId, body) {
  const out = await runtime(t).send(new InvokeModelCommand({ modelId, contentType: "application/json", accept: "application/json", body: JSON.stringify(body) }));
  return JSON.parse(new TextDecoder().decode(out.body));
}

test("texts become vectors", async (t) => {
  const titan = await invoke(t, "amazon.titan-embed-text-v2:0", { inputText: "予算の説明", dimensions: 256, normalize: true });
  assert.equal(titan.embedding.length, 256);
  assert.ok(titan.inputTextTokenCount > 0);
  const cohere = await invoke(t, "cohere.embed-multilingual-v3", { texts: ["予算", "議会"], input_type: "search_document", embedding_types: ["float"] });
  assert.equal(cohere.embeddings.float.length, 2);
});

test("documents are put in order", async (t) => {
  const { results } = await invoke(t, "cohere.rerank-v3-5:0", { query: "予算", documents: ["天気", "予算の話"], top_n: 1, api_version: 2 });
  assert.equal(results[0].index, 1);
});

/** ranking asks the agent runtime for the order of texts. */
const ranking = (query, texts, more = {}) => ({
  queries: [{ type: "TEXT", textQuery: { text: query } }],
  sources: texts.map((text) => ({ type: "INLINE", inlineDocumentSource: { type: "TEXT", textDocument: { text } } })),
  rerankingConfiguration: {
    type: "BEDROCK_RERANKING_MODEL",
    bedrockRerankingConfiguration: { modelConfiguration: { modelArn: `arn:aws:bedrock:${fake.region}::foundation-model/cohere.rerank-v3-5:0` }, ...more },
  },
});

test("the agent runtime puts documents in order, page by page", async (t) => {
  const client = new BedrockAgentRuntimeClient(config());
  t.after(() => client.destroy());
  const { results } = await client.send(new RerankCommand(ranking("予算", ["天気", "予算の話", "議会"], { numberOfResults: 2 })));
  assert.equal(results.length, 2);
  assert.equal(results[0].index, 1);
  assert.ok(results[0].relevanceScore > results[1].relevanceScore);

  const pages = [];
  const many = Array.from({ length: 150 }, (_, i) => `${i} 番目の予算`);
  for await (const page of paginateRerank({ client }, ranking("予算", many))) pages.push(page.results.map((r) => r.index));
  assert.ok(pages.length > 1);
  assert.deepEqual(pages.flat().toSorted((a, b) => a - b), many.map((_, i) => i));

  await assert.rejects(client.send(new RerankCommand(ranking("予算", ["a"], { numberOfResults: 2 }))), { name: "ValidationException" });
  const stranger = new BedrockAgentRuntimeClient(config({ ...key, secretAccessKey: "wrong" }));
  t.after(() => stranger.destroy());
  await assert.rejects(stranger.send(new RerankCommand(ranking("予算", ["a"]))), { name: "InvalidSignatureException" });
});

test("images are drawn", async (t) => {
  const { images } = await invoke(t, "amazon.nova-canvas-v1:0", {
    taskType: "TEXT_IMAGE",
    textToImageParams: { text: "市役所" },
    imageGenerationConfig: { numberOfImages: 2, width: 320, height: 320 },
  });
  assert.equal(images.length, 2);
  assert.equal(Buffer.from(images[0], "base64").subarray(1, 4).toString(), "PNG");
});

test("a body that a model does not know is refused", async (t) => {
  await assert.rejects(invoke(t, "amazon.titan-embed-text-v2:0", { inputText: "a", truncate: true }), { name: "ValidationException" });
});

test("a guardrail judges a text", async (t) => {
  const out = await runtime(t).send(
    new ApplyGuardrailCommand({ guardrailIdentifier: "grhome000001", guardrailVersion: "1", source: "OUTPUT", content: [{ text: { text: "a@example.jp まで" } }] }),
  );
  assert.equal(out.action, "GUARDRAIL_INTERVENED");
  assert.equal(out.outputs[0].text, "{EMAIL} まで");
  assert.equal(out.assessments[0].sensitiveInformationPolicy.piiEntities[0].type, "EMAIL");
  const client = new BedrockClient(config());
  t.after(() => client.destroy());
  const { guardrails } = await client.send(new ListGuardrailsCommand({ guardrailIdentifier: "grabroad0001" }));
  assert.equal(guardrails[1].crossRegionDetails.guardrailProfileId, "apac.guardrail.v1:0");
});

test("tokens are counted", async (t) => {
  const input = { converse: { messages: ask("予算は?").messages } };
  const { inputTokens } = await runtime(t).send(new CountTokensCommand({ modelId: "anthropic.claude-haiku-4-5-20251001-v1:0", input }));
  assert.ok(inputTokens > 0);
  await assert.rejects(runtime(t).send(new CountTokensCommand({ modelId: "amazon.nova-lite-v1:0", input })), { name: "ValidationException" });
});

test("models and inference profiles are listed", async (t) => {
  const client = new BedrockClient(config());
  t.after(() => client.destroy());
  const { modelSummaries } = await client.send(new ListFoundationModelsCommand({ byOutputModality: "TEXT" }));
  assert.ok(modelSummaries.some((m) => m.modelId === "amazon.nova-lite-v1:0"));
  const first = await client.send(new ListInferenceProfilesCommand({}));
  const second = await client.send(new ListInferenceProfilesCommand({ nextToken: first.nextToken }));
  const { inferenceProfileSummaries: own } = await client.send(new ListInferenceProfilesCommand({ typeEquals: "APPLICATION" }));
  const copied = await client.send(new GetInferenceProfileCommand({ inferenceProfileIdentifier: own[0].inferenceProfileArn }));
  assert.equal(copied.type, "APPLICATION");
  assert.match(copied.models[0].modelArn, /foundation-model\/anthropic/);
  assert.ok([...first.inferenceProfileSummaries, ...second.inferenceProfileSummaries].some((p) => p.inferenceProfileId === model));
});

test("STS gives keys of a role that work", async (t) => {
  const sts = new STSClient(config());
  t.after(() => sts.destroy());
  const who = await sts.send(new GetCallerIdentityCommand({}));
  assert.equal(who.Account, "111122223333");
  await assert.rejects(sts.send(new AssumeRoleCommand({ RoleArn: fake.roleArn, RoleSessionName: "kakoi" })), { name: "AccessDenied" });
  const { Credentials: c } = await sts.send(
    new AssumeRoleCommand({ RoleArn: fake.roleArn, RoleSessionName: "kakoi", ExternalId: fake.externalId }),
  );
  const assumed = { accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretAccessKey, sessionToken: c.SessionToken };
  const got = await gather(runtime(t, assumed), ask("hello"));
  assert.equal(got.error, undefined);
});
