import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";
import type { Account, CatalogueModel, CheckStep, Connection, Decision, Group, Me, Place, Schemas, Session } from "../src/lib/api/types";
import * as data from "./data";
import { mockDoctor } from "./doctor";

/*
 * A stand-in for the API, for looking at pages. The cookie "mock" holds words
 * that choose what it plays:
 *   setup, expired   nobody has been made administrator yet; the link is spent
 *   out, temp        nobody is signed in; a temporary password must be changed
 *   member           the person is no administrator
 *   empty, many      lists with nothing, lists with 2,000
 *   fail, slow       every list fails; every answer takes 3 s
 *   failcheck        the connection test fails at a step, the doctor finds failures
 *   warncheck        the connection test passes with something to look at
 *   en, dark, light  preferences
 *   off, enforced    no temporary conversations, or no others
 */

class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly more: Record<string, unknown> = {},
  ) {
    super(code);
  }
}

function newState() {
  return {
    accounts: data.accounts(46),
    groups: structuredClone(data.groups),
    connections: structuredClone(data.connections),
    models: structuredClone(data.models),
    sessions: structuredClone(data.sessions),
    chat: structuredClone(data.chatSettings),
    residency: structuredClone(data.residency),
    preferences: { locale: "", theme: "system", sendKey: "enter", defaultModelId: "", defaultPromptId: "", density: "comfortable", calendar: "western" } as Me["preferences"],
  };
}

async function readBody(req: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of req) text += String(chunk);
  try {
    return text ? (JSON.parse(text) as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Where the models of a connection are processed. */
function placeOf({ settings }: Connection): Place {
  if (settings.region) return { kind: "regions", regions: ["ap-northeast-1", "ap-northeast-3"], from: settings.region };
  return settings.baseUrl ? { kind: "host", name: new URL(settings.baseUrl).hostname } : { kind: "server" };
}

/** What a policy says of a place: every region of it must be permitted by one rule. */
function decide(place: Place, policy: Pick<Schemas["ResidencyPolicy"], "open" | "rules">): Decision {
  const said = (allowed: boolean, reason: Decision["reason"], params: Record<string, string> = {}): Decision => ({ allowed, place, reason, params, text: reason, instead: [] });
  if (policy.open) return said(true, "nothing_decided");
  const [rule] = policy.rules;
  if (!rule) return said(false, "no_rule");
  if (place.kind === "host") return place.country ? said(rule.countries.includes(place.country), "country_barred", { rule: rule.name, host: place.name ?? "", country: place.country }) : said(false, "country_unknown", { host: place.name ?? "" });
  const barred = place.regions?.find((id) => !policy.rules.some((r) => r.regions.includes(id)));
  return barred ? said(false, "region_barred", { rule: rule.name, region: barred }) : said(true, "permitted", { rule: rule.name });
}

/** Answers the API from memory. */
export function mockApi(): Plugin {
  let state = newState();
  let count = 0;

  type Call = { path: string[]; body: Record<string, unknown>; query: URLSearchParams; plays: Set<string> };

  const page = <T>(items: T[], { query }: Call) => {
    const at = Number(query.get("pageToken") ?? 0);
    const limit = Number(query.get("limit") ?? 50);
    return { items: items.slice(at, at + limit), nextPageToken: at + limit < items.length ? String(at + limit) : "" };
  };
  const list = <T>(items: T[], { plays }: Call): T[] => {
    if (plays.has("fail")) throw new Problem(500, "internal");
    return plays.has("empty") ? [] : items;
  };
  const byId = <T extends { id: string }>(items: T[], id: string | undefined): T => {
    const found = items.find((item) => item.id === id);
    if (!found) throw new Problem(404, "not_found");
    return found;
  };

  const me = ({ plays }: Call): Me => {
    if (plays.has("out") || plays.has("setup")) throw new Problem(401, "unauthenticated");
    const preferences = { ...state.preferences };
    if (plays.has("en")) preferences.locale = "en";
    if (plays.has("dark")) preferences.theme = "dark";
    if (plays.has("light")) preferences.theme = "light";
    return {
      account: { id: "a-12", email: "komiya@midorino.example", name: plays.has("member") ? "佐伯 由美子" : "小宮 拓真", ...(plays.has("member") ? { roles: [], permissions: [] } : { roles: [{ roleId: "administrator" }], permissions: data.permissions }), withheld: [], mustChangePassword: plays.has("temp") },
      pending: plays.has("temp") ? ["password_change"] : plays.has("second") ? ["second_factor"] : plays.has("enrol") ? ["enrol_second_factor"] : [],
      secondFactor: { requirement: plays.has("member") ? "optional" : "required", enrolled: !plays.has("due"), ...(plays.has("due") && { dueBy: new Date(Date.now() + 5 * 86_400_000).toISOString() }) },
      preferences,
      version: "0.1.0",
    };
  };

  const check = ({ plays }: Call): { steps: CheckStep[] } => {
    const steps: CheckStep[] = [
      { name: "configuration", ok: true, elapsedMs: 0 },
      { name: "resolve", ok: true, detail: "10.24.0.12", elapsedMs: 4 },
      { name: "connect", ok: true, detail: "10.24.0.12:8000", elapsedMs: 11 },
      { name: "credentials", ok: true, elapsedMs: 84 },
      { name: "list_models", ok: true, detail: "3", elapsedMs: 120 },
      { name: "answer", ok: true, detail: "google/gemma-3-27b-it", elapsedMs: 940 },
    ];
    if (plays.has("warncheck")) return { steps: [...steps, { name: "stream", ok: true, finding: "stream_whole", params: { reason: "whole" }, detail: "the server answers in one piece although it was asked for a stream", elapsedMs: 210 }] };
    if (!plays.has("failcheck")) return { steps };
    return { steps: [...steps.slice(0, 3), { name: "credentials", ok: false, code: "model_credentials", detail: "401 Unauthorized: invalid api key", elapsedMs: 84 }] };
  };

  const temporary = ({ plays }: Call): Schemas["Limits"]["temporary"] => (plays.has("off") ? "off" : plays.has("enforced") ? "enforced" : state.chat.temporary);

  const routes: Record<string, (call: Call) => unknown> = {
    "GET setup": ({ plays }) => ({ needed: plays.has("setup"), linkValid: !plays.has("expired") }),
    "POST setup": (c) => ((c.plays.delete("setup"), me(c))),
    "POST sign-in": ({ body, plays }) => {
      if (body.password === "wrong") throw new Problem(401, "sign_in_failed");
      plays.delete("out");
      return me({ plays } as Call);
    },
    "POST sign-out": () => ({}),
    "GET me": me,
    "PATCH me": () => ({}),
    "PATCH me/preferences": ({ body }) => Object.assign(state.preferences, body),
    "POST me/password": ({ body }) => {
      if (body.current === "wrong") throw new Problem(403, "sign_in_failed");
      return {};
    },
    "GET me/sessions": (c) => ({ items: list<Session>(state.sessions, c) }),
    "DELETE me/sessions/*": ({ path }) => ((state.sessions = state.sessions.filter((s) => s.id !== path[2])), {}),
    "POST me/sign-out-everywhere": () => ({}),
    "GET models": (c) => ({
      items: (c.plays.has("empty") ? [] : state.models)
        .filter((m) => m.enabled && m.task === "chat")
        .map((m, i) => {
          const connection = byId(state.connections, m.connectionId);
          return { ...m, processedAt: "", connectionKind: connection.kind, connectionName: connection.name, demo: connection.kind === "demo", place: placeOf(connection), classes: [0, 1, 2, 3], isDefault: i === 0 };
        }),
      ...(!c.plays.has("nospeech") && {
        transcriber: { id: "m-whisper", displayName: "音声認識（庁内）", processedAt: "", place: { kind: "host", name: "10.24.0.12" }, maxSeconds: 300, maxBytes: 25 << 20 },
      }),
    }),
    "POST transcriptions": ({ plays }) => {
      if (plays.has("failspeech")) throw new Problem(502, "model_unreachable");
      return { text: "明日の打合せは十時からに変わりました。" };
    },
    "GET limits": (c): Schemas["Limits"] => ({
      ...data.limits,
      attachmentBytes: state.chat.attachmentBytes || data.limits.attachmentBytes,
      attachmentsPerTurn: state.chat.attachmentsPerTurn || data.limits.attachmentsPerTurn,
      temporary: temporary(c),
      defaultClass: state.chat.defaultClass,
    }),
    "GET admin/settings/chat": (c): Schemas["ChatSettings"] => {
      if (c.plays.has("fail")) throw new Problem(500, "internal");
      return { ...state.chat, temporary: temporary(c) };
    },
    "PUT admin/settings/chat": ({ body }) => {
      if (body.version !== state.chat.version) throw new Problem(409, "conflict");
      return Object.assign(state.chat, { attachmentBytes: 0, attachmentsPerTurn: 0 }, body, { version: state.chat.version + 1, changedBy: "a-12", changedByName: "小宮 拓真", changedAt: new Date().toISOString() });
    },
    "GET conversations": (c) => page(list(data.conversations(c.plays.has("many") ? 2000 : 12), c), c),
    "GET admin/accounts": (c) => {
      const q = (c.query.get("search") ?? "").toLowerCase();
      const all = c.plays.has("many") ? data.accounts(2000) : state.accounts;
      const found = list(all, c).filter(
        (a) =>
          (a.name + a.email).toLowerCase().includes(q) &&
          (!c.query.get("unitId") || a.posts.some((post) => post.unitId === c.query.get("unitId"))) &&
          (!c.query.get("roleId") || a.roles.some((role) => role.roleId === c.query.get("roleId"))) &&
          (!c.query.get("groupId") || a.groupIds.includes(c.query.get("groupId") ?? "")) &&
          (!c.query.get("status") || (c.query.get("status") === "disabled") === a.disabled),
      );
      return { ...page(found, c), matching: found.length, counts: { total: all.length, active: all.length, disabled: 0, administrators: 1 } };
    },
    "POST admin/accounts": ({ body }) => {
      if (state.accounts.some((a) => a.email === body.email)) throw new Problem(409, "email_taken", { field: "email" });
      const account = { id: `a-new-${++count}`, disabled: false, mustChangePassword: true, createdAt: new Date().toISOString(), groupIds: [], roles: [], posts: [], may: ["account.write", "role.assign"], ...body } as unknown as Account;
      state.accounts.unshift(account);
      return { account, temporaryPassword: "kumo-7431-hashi-park" };
    },
    "POST admin/accounts/bulk": ({ body }) => ({ done: Array.isArray(body.accountIds) ? body.accountIds.length : state.accounts.length, failed: [] }),
    "GET admin/units": (c) => ({ items: list(data.units, c) }),
    "GET admin/units/planned": (c) => ({ items: list(data.planned, c) }),
    "GET admin/units/*/periods": ({ path }) => ({ items: [...data.units, ...data.planned].filter((u) => u.id === path[2]) }),
    "GET admin/roles": (c) => ({ items: list(data.roles, c), permissions: data.permissions.map((action) => ({ action, scopable: /^(account|role|organisation|group)\./.test(action) })) }),
    "POST admin/groups/preview": () => ({ members: 28 }),
    "GET admin/accounts/*": ({ path }) => byId(state.accounts, path[2]),
    "PATCH admin/accounts/*": ({ path, body }) => {
      if (path[2] === "a-12" && (body.disabled || (Array.isArray(body.roles) && body.roles.length === 0))) throw new Problem(409, "last_administrator");
      return Object.assign(byId(state.accounts, path[2]), body);
    },
    "POST admin/accounts/*/password": () => ({ temporaryPassword: "mizu-2208-tori-lane" }),
    "GET admin/accounts/*/sessions": (c) => ({ items: list<Session>(state.sessions.filter((s) => !s.current), c) }),
    "DELETE admin/accounts/*/sessions/*": ({ path }) => ((state.sessions = state.sessions.filter((s) => s.id !== path[4])), {}),
    "DELETE admin/accounts/*/sessions": ({ path }) => byId(state.accounts, path[2]),
    "GET admin/groups": (c) => ({ items: list<Group>(state.groups, c) }),
    "POST admin/groups": ({ body }) => {
      const group = { id: `g-new-${++count}`, members: 0, ...body } as Group;
      state.groups.push(group);
      return group;
    },
    "PATCH admin/groups/*": ({ path, body }) => Object.assign(byId(state.groups, path[2]), body),
    "DELETE admin/groups/*": ({ path }) => ((state.groups = state.groups.filter((g) => g.id !== path[2])), {}),
    "GET admin/groups/*/members": () => ({ items: state.accounts.slice(0, 9).map((a) => ({ accountId: a.id, name: a.name, email: a.email })) }),
    "PUT admin/groups/*/members/*": () => ({}),
    "DELETE admin/groups/*/members/*": () => ({}),
    "GET admin/connections": (c) => ({ items: list<Connection>(state.connections, c) }),
    "GET admin/connections/detected": ({ plays }) => ({ items: plays.has("nodetect") ? [] : [{ kind: "openai", baseUrl: "http://127.0.0.1:11434/v1", product: "Ollama", models: ["gemma3:4b", "qwen3:8b"].map((id) => ({ id, name: id, capabilities: {} })) }] }),
    "POST admin/connections": ({ body }) => {
      const connection = { id: `c-new-${++count}`, secretNames: Object.keys((body.secret as object | undefined) ?? {}), createdAt: new Date().toISOString(), updatedAt: new Date().toISOString(), ...body } as unknown as Connection;
      state.connections.push(connection);
      return connection;
    },
    "PATCH admin/connections/*": ({ path, body }) => Object.assign(byId(state.connections, path[2]), body),
    "DELETE admin/connections/*": ({ path }) => ((state.connections = state.connections.filter((c) => c.id !== path[2])), {}),
    "GET admin/connections/*/dependents": ({ path }): Schemas["Dependents"] => {
      const named = (found: CatalogueModel[]) => found.map(({ id, displayName }) => ({ id, displayName }));
      return {
        models: named(state.models.filter((m) => m.connectionId === path[2])),
        routed: named(state.models.filter((m) => m.connectionId !== path[2] && m.routes.some((r) => r.connectionId === path[2]))),
      };
    },
    "POST admin/doctor": () => {
      throw new Problem(500, "internal");
    },
    "POST admin/connections/check": check,
    "POST admin/connections/*/check": check,
    "GET admin/connections/*/remote-models": ({ plays, path }) => {
      if (plays.has("failcheck")) throw new Problem(502, "model_credentials");
      const known = ["anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.nova-pro-v1:0", "amazon.nova-lite-v1:0", "google/gemma-3-27b-it", "openai.gpt-oss-120b-1:0", "qwen.qwen3-32b-v1:0"];
      return { items: known.map((id) => ({ id: path[2] === "c-bedrock" ? `jp.${id}` : id, name: id, task: "chat", capabilities: { vision: id.includes("claude"), documents: id.includes("claude"), reasoning: id.includes("claude") || id.includes("oss"), tools: true, contextTokens: 128_000, outputTokens: 8_192 } })) };
    },
    "GET admin/residency": ({ plays }) => {
      if (plays.has("fail")) throw new Problem(500, "internal");
      return state.residency;
    },
    "PUT admin/residency": ({ body }) => {
      if (body.version !== state.residency.version) throw new Problem(409, "conflict");
      return Object.assign(state.residency, body, { version: state.residency.version + 1, changedBy: "a-12", changedByName: "小宮 拓真", changedAt: new Date().toISOString() });
    },
    "POST admin/residency/preview": ({ body }) => {
      const then = body as unknown as Schemas["ResidencyDraft"];
      const bad = then.rules.findIndex((r) => r.models.some((m) => /[^\w*.:/-]/.test(m)));
      if (bad >= 0) throw new Problem(422, "invalid_input", { field: `rules[${bad}].models`, params: { value: then.rules[bad]?.models.find((m) => /[^\w*.:/-]/.test(m)) ?? "" } });
      return { items: state.models.map((m) => ({ modelId: m.id, now: decide(placeOf(byId(state.connections, m.connectionId)), state.residency), then: decide(placeOf(byId(state.connections, m.connectionId)), then) })) };
    },
    "POST admin/residency/explain": ({ body }) => {
      const connection = body.entryId ? byId(state.models, String(body.entryId)).connectionId : body.connectionId;
      return decide(connection ? placeOf(byId(state.connections, String(connection))) : { kind: "regions", regions: [String(body.region)] }, state.residency);
    },
    "GET admin/residency/profiles": () => ({ items: [{ id: "jp.anthropic.claude-sonnet-4-6", place: { kind: "regions", regions: ["ap-northeast-1", "ap-northeast-3"] } }] }),
    "GET admin/models": (c) => ({ items: list<CatalogueModel>(state.models.map((m) => ({ ...m, residency: decide(placeOf(byId(state.connections, m.connectionId)), state.residency) })), c) }),
    "POST admin/models": ({ body }) => {
      const model = { id: `m-new-${++count}`, position: state.models.length, ...body } as unknown as CatalogueModel;
      state.models.push(model);
      return model;
    },
    "PATCH admin/models/*": ({ path, body }) => Object.assign(byId(state.models, path[2]), body),
    "DELETE admin/models/*": ({ path }) => ((state.models = state.models.filter((m) => m.id !== path[2])), {}),
    "PUT admin/models/order": ({ body }) => {
      const ids = body.ids as string[];
      state.models.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
      return {};
    },
    "GET admin/egress": (c) => {
      if (c.plays.has("fail")) throw new Problem(500, "internal");
      const month = c.query.get("month") ?? new Date().toISOString().slice(0, 7);
      const empty = c.plays.has("empty");
      const hour = (ago: number) => new Date(Date.now() - ago * 3_600_000).toISOString();
      const amounts = (dials: number, refusals: number, bytesSent: number, bytesReceived: number) => ({ dials, failures: 0, refusals, bytesSent, bytesReceived });
      const destinations = [
        { destination: "bedrock-runtime.ap-northeast-1.amazonaws.com:443", purpose: "model:c-bedrock", name: "提供事業者の Bedrock", amounts: amounts(12_840, 0, 918_400_000, 261_000_000), first: hour(500), last: hour(1) },
        { destination: "vpce-0a1b2c3d4e5f67890-abcdefgh.bedrock-runtime.ap-northeast-3.vpce.amazonaws.com:443", purpose: "model:c-local", name: "とても長い名前の接続、大阪リージョンの控えで、東京が混み合うときに使う", amounts: amounts(312, 2, 2_100_000, 800_000), first: hour(300), last: hour(30) },
        { destination: "169.254.169.254:80", purpose: "check:c-gone", amounts: amounts(0, 1, 0, 0), first: hour(3), last: hour(3) },
        { destination: "10.255.255.53:53", purpose: "dns", amounts: amounts(91, 0, 4_096, 8_192), first: hour(500), last: hour(1) },
        { destination: "db.example.lg.jp:5432", purpose: "database", amounts: amounts(40, 0, 120_000_000, 450_000_000), first: hour(500), last: hour(0) },
      ];
      return {
        month, firstMonth: "2025-12", from: `${month}-01T00:00:00+09:00`, to: `${month}-28T00:00:00+09:00`, madeAt: new Date().toISOString(), complete: month < new Date().toISOString().slice(0, 7),
        network: { closed: !c.plays.has("open"), ownRanges: empty ? [] : ["192.0.2.0/24"], publicDestinations: empty ? [] : ["llm.example.com:443"] },
        allowed: empty ? [] : destinations.filter((d) => d.name || d.purpose === "database").map(({ destination, purpose, name }) => ({ destination, purpose, name })),
        destinations: empty ? [] : destinations, total: empty ? amounts(0, 0, 0, 0) : amounts(13_283, 3, 1_040_504_096, 711_808_192),
        watches: empty ? [] : [{ node: "n1", version: "1.2.0", from: hour(500), to: hour(300), end: "lost" }, { node: "n2", version: "1.3.0", from: hour(298), to: hour(0), end: "running" }],
        unwatched: [], gaps: empty ? [] : [{ from: hour(300), to: hour(298) }],
        key: { fingerprint: `sha256:${"0123456789abcdef".repeat(4)}`, pem: "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAi\n-----END PUBLIC KEY-----\n" },
      };
    },
    "GET admin/status": (c) => {
      if (c.plays.has("fail")) throw new Problem(500, "internal");
      return {
        version: "0.1.0",
        startedAt: new Date(Date.now() - 273_845_000).toISOString(),
        store: { engine: "sqlite", ok: true, sizeBytes: 48_234_496, schemaVersion: 3 },
        activeRuns: 4,
        memoryBytes: 83_886_080,
        connections: state.connections.map((k, i) => ({ id: k.id, name: k.name, kind: k.kind, enabled: k.enabled, state: i === 1 ? "failing" : i === 2 ? "unknown" : "ok", code: i === 1 ? "model_timeout" : undefined, lastUsedAt: i === 2 ? undefined : new Date(Date.now() - 240_000 * (i + 1)).toISOString() })),
        egress: [
          { destination: "bedrock-runtime.ap-northeast-1.amazonaws.com:443", purpose: "model:c-bedrock", dials: 1_284, failures: 3, refusals: 0, bytesSent: 18_400_000, bytesReceived: 6_100_000, open: 2 },
          { destination: "10.24.0.12:8000", purpose: "model:c-local", dials: 312, failures: 0, refusals: 0, bytesSent: 2_100_000, bytesReceived: 800_000, open: 0 },
          { destination: "example.com:443", purpose: "model:c-local", dials: 0, failures: 0, refusals: 2, bytesSent: 0, bytesReceived: 0, open: 0 },
        ],
      };
    },
  };

  const patterns = Object.entries(routes)
    .map(([key, handle]) => {
      const [method = "", path = ""] = key.split(" ");
      return { method, parts: path.split("/"), handle };
    })
    .sort((a, b) => a.parts.filter((p) => p === "*").length - b.parts.filter((p) => p === "*").length);

  async function answer(req: IncomingMessage, res: ServerResponse, next: Connect.NextFunction) {
    const url = new URL(req.url ?? "/", "http://localhost");
    if (!url.pathname.startsWith("/api/v1/")) return next();
    const path = url.pathname.slice("/api/v1/".length).split("/");
    const cookie = /(?:^|;\s*)mock=([^;]*)/.exec(req.headers.cookie ?? "")?.[1] ?? "";
    const plays = new Set(decodeURIComponent(cookie).split(/[ ,+]/));
    if (path.join("/") === "events") {
      res.setHeader("Content-Type", "text/event-stream");
      return void res.write(": nothing happens here\n\n");
    }
    if (plays.has("reset")) state = newState();
    if (path.join("/") === "admin/doctor" && req.method === "POST" && !plays.has("fail")) {
      return void mockDoctor(res, await readBody(req), state.connections, plays.has("failcheck"));
    }
    if (plays.has("slow")) await new Promise((resolve) => setTimeout(resolve, 3000));

    const route = patterns.find((p) => p.method === req.method && p.parts.length === path.length && p.parts.every((part, i) => part === "*" || part === path[i]));
    res.setHeader("X-Request-Id", "01993c5e-7a41");
    res.setHeader("Content-Type", "application/json");
    try {
      if (!route) throw new Problem(404, "not_found");
      res.end(JSON.stringify(route.handle({ path, body: await readBody(req), query: url.searchParams, plays }) ?? {}));
    } catch (err) {
      const problem = err instanceof Problem ? err : new Problem(500, "internal", { detail: String(err) });
      res.statusCode = problem.status;
      res.setHeader("Content-Type", "application/problem+json");
      res.end(JSON.stringify({ type: "about:blank", title: problem.code, status: problem.status, code: problem.code, detail: problem.message, requestId: "01993c5e-7a41", ...problem.more }));
    }
  }

  const use = (server: { middlewares: Connect.Server }) => {
    server.middlewares.use((req, res, next) => void answer(req, res, next));
  };
  return { name: "kakoi:mock-api", configureServer: use, configurePreviewServer: use };
}
