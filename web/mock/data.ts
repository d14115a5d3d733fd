import type { Account, CatalogueModel, Connection, Group, Me, Schemas, Session } from "../src/lib/api/types";

// みどり野市 and everyone in it are invented.

const now = Date.now();
const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString();

export const groups: Group[] = [
  { id: "g-kankyo", name: "環境課", members: 14 },
  { id: "g-reiki", name: "例規の編集", members: 5 },
  { id: "g-shiko", name: "試行モデル", members: 9 },
];

const people = [
  ["相川 真理子", "aikawa"], ["飯塚 健", "iizuka"], ["大久保 さやか", "okubo"], ["小野寺 龍之介", "onodera"], ["佐伯 由美子", "saeki"],
  ["高橋 恵", "m-takahashi"], ["長谷川 ウィリアム 隆", "hasegawa"], ["藤原 誠", "fujiwara"], ["三宅 浩二", "miyake"], ["森田 あゆみ", "morita"],
  ["柳沢 修", "yanagisawa"], ["渡部 紗希", "watanabe"], ["小宮 拓真", "komiya"], ["勅使河原 エリザベス 美津子", "teshigawara-elizabeth-mitsuko"], ["岡 進", "oka"],
] as const;

export const permissions: Me["account"]["permissions"] = [
  "account.read", "account.write", "account.reset_second_factor", "role.assign", "organisation.read", "organisation.write", "group.read", "group.write", "role.read", "role.write", "connection.read",
  "connection.write", "model.read", "model.write", "prompt.create_official", "prompt.hide", "feedback.read", "audit_event.read", "system.read", "system.write", "system.write_sign_in", "system.export_evidence",
];

export function accounts(count: number): Account[] {
  return Array.from({ length: count }, (_, i) => {
    const [name, mail] = people[i % people.length] ?? ["岡 進", "oka"];
    const lap = Math.floor(i / people.length);
    const fresh = i % 7 === 2;
    return {
      id: `a-${i}`,
      name: lap === 0 ? name : `${name} ${lap + 1}`,
      email: `${mail}${lap === 0 ? "" : lap + 1}@midorino.example`,
      roles: i % 15 === 12 ? [{ roleId: "administrator" }] : [],
      posts: i % 4 === 3 ? [] : [{ unitId: i % 2 === 0 ? "u-shigen" : "u-kankyo", title: i % 5 === 0 ? "係長" : "", main: true, from: ago(60 * 24 * 200) }],
      may: ["account.write", "role.assign"],
      disabled: i % 11 === 8,
      mustChangePassword: fresh,
      createdAt: ago(60 * 24 * (30 + i)),
      updatedAt: ago(60 * 24 * (10 + i)),
      lastSignedInAt: fresh ? undefined : ago([17, 290, 1100, 5900, 3, 6100, 190, 12800][i % 8] ?? 60),
      groupIds: i % 3 === 0 ? groups.slice(0, 1 + (i % 2)).map((g) => g.id) : [],
    };
  });
}

const may: Account["may"] = ["organisation.write", "account.write", "role.assign"];

export const units: Schemas["Unit"][] = [
  { id: "u-shimin", code: "03", name: "市民部", position: 0, members: 1, within: 41, may },
  { id: "u-kankyo", code: "0301", name: "環境課", parentId: "u-shimin", position: 0, members: 12, within: 40, may, until: "2027-03-31T15:00:00Z" },
  { id: "u-shigen", code: "030101", name: "資源循環係", parentId: "u-kankyo", position: 0, members: 28, within: 28, may },
  { id: "u-zaisei", code: "02", name: "財政部", position: 1, members: 0, within: 0, may },
];

export const planned: Schemas["Unit"][] = [{ ...units[1], id: "u-kankyo", code: "0301", name: "環境政策課", position: 0, members: 0, within: 0, may, parentId: "u-shimin", from: "2027-03-31T15:00:00Z", until: undefined }];

export const roles: Schemas["Role"][] = [
  { id: "administrator", name: "", description: "", builtIn: true, permissions, holders: 3 },
  { id: "department_administrator", name: "", description: "", builtIn: true, permissions: permissions.slice(0, 6), holders: 2 },
  { id: "auditor", name: "", description: "", builtIn: true, permissions: ["account.read", "audit_event.read", "system.read"], holders: 0 },
  { id: "r-models", name: "モデルの担当者", description: "モデルと接続を見て、変えられます", builtIn: false, permissions: ["model.read", "model.write", "connection.read"], holders: 1 },
];

const none = { vision: false, documents: false, reasoning: false, tools: false, contextTokens: 0, outputTokens: 0 };

const unlimited = { concurrent: 0, requestsPerMinute: 0, tokensPerMinute: 0 };

export const connections: Connection[] = [
  { id: "c-bedrock", name: "Bedrock 東京", kind: "bedrock", enabled: true, models: 2, settings: { region: "ap-northeast-1", credentials: "default" }, secretNames: [], createdAt: ago(60 * 24 * 40), updatedAt: ago(60 * 24 * 3) },
  { id: "c-osaka", name: "Bedrock 大阪", kind: "bedrock", enabled: true, models: 0, settings: { region: "ap-northeast-3", credentials: "default" }, secretNames: [], createdAt: ago(60 * 24 * 30), updatedAt: ago(60 * 24 * 3) },
  { id: "c-provider", name: "Bedrock 東京（事業者のアカウント）", kind: "bedrock", enabled: true, models: 0, settings: { region: "ap-northeast-1", credentials: "default" }, secretNames: [], createdAt: ago(60 * 24 * 30), updatedAt: ago(60 * 24 * 3) },
  { id: "c-local", name: "情報政策課の推論サーバー", kind: "openai", enabled: true, models: 1, settings: { baseUrl: "http://10.24.0.12:8000/v1", headers: { "X-Dept": "jouhou" } }, secretNames: ["apiKey"], createdAt: ago(60 * 24 * 20), updatedAt: ago(60 * 24 * 2) },
  { id: "c-demo", name: "試用", kind: "demo", enabled: false, models: 1, settings: {}, secretNames: [], createdAt: ago(60 * 24 * 60), updatedAt: ago(60 * 24 * 60) },
];

export const models: CatalogueModel[] = [
  { id: "m-sonnet", connectionId: "c-bedrock", remoteId: "jp.anthropic.claude-sonnet-4-5-20250929-v1:0", displayName: "Claude Sonnet 4.5", description: "文章と表に強い標準のモデル", task: "chat", capabilities: { vision: true, documents: true, reasoning: true, tools: true, contextTokens: 200_000, outputTokens: 64_000 }, defaults: { maxTokens: 8000 }, position: 0, enabled: true, grants: [{ kind: "everyone" }], light: false, limits: unlimited, weight: 3, routes: [{ connectionId: "c-osaka", remoteId: "jp.anthropic.claude-sonnet-4-5-20250929-v1:0", weight: 1, priority: 1 }, { connectionId: "c-provider", remoteId: "jp.anthropic.claude-sonnet-4-5-20250929-v1:0", weight: 1, priority: 2 }], rests: [{ connectionId: "c-osaka", remoteId: "jp.anthropic.claude-sonnet-4-5-20250929-v1:0", since: ago(1), until: ago(-1), code: "model_timeout" }], fallbackId: "m-haiku", price: { currency: "USD", input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 } },
  { id: "m-haiku", connectionId: "c-bedrock", remoteId: "jp.anthropic.claude-haiku-4-5-20251001-v1:0", displayName: "Claude Haiku 4.5", description: "短い依頼に速く答える", task: "chat", capabilities: { vision: true, documents: true, reasoning: true, tools: true, contextTokens: 200_000, outputTokens: 64_000 }, defaults: {}, position: 1, enabled: true, grants: [{ kind: "everyone" }], light: true, limits: unlimited, weight: 1, routes: [], fallbackId: "", price: { currency: "USD", input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 } },
  { id: "m-gemma", connectionId: "c-local", remoteId: "google/gemma-3-27b-it", displayName: "Gemma 3 27B（庁内）", description: "庁内のサーバーだけで処理する", task: "chat", capabilities: { ...none, vision: true, contextTokens: 128_000, outputTokens: 8_192 }, defaults: { temperature: 0.7 }, position: 2, enabled: true, grants: [{ kind: "group", id: "g-shiko", name: "試行利用者" }], light: false, line: { running: 4, waiting: 3 }, limits: { concurrent: 4, requestsPerMinute: 60, tokensPerMinute: 0 }, weight: 1, routes: [], fallbackId: "", price: { currency: "JPY", input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } },
  { id: "m-demo", connectionId: "c-demo", remoteId: "demo", displayName: "試用モデル", description: "決まった文を返す", task: "chat", capabilities: none, defaults: {}, position: 3, enabled: false, grants: [{ kind: "everyone" }], light: false, limits: unlimited, weight: 1, routes: [], fallbackId: "", price: { currency: "", input: 0, output: 0 } },
  { id: "m-whisper", connectionId: "c-local", remoteId: "kotoba-tech/kotoba-whisper-v2.2", displayName: "音声認識（庁内）", description: "", task: "transcription", capabilities: none, defaults: {}, position: 4, enabled: true, grants: [{ kind: "everyone" }], light: false, limits: unlimited, weight: 1, routes: [], fallbackId: "", price: { currency: "", input: 0, output: 0 } },
  { id: "m-embed", connectionId: "c-bedrock", remoteId: "amazon.titan-embed-text-v2:0", displayName: "Titan Text Embeddings V2", description: "", task: "embedding", capabilities: none, defaults: {}, position: 5, enabled: true, grants: [{ kind: "everyone" }], light: false, limits: unlimited, weight: 1, routes: [], fallbackId: "", price: { currency: "USD", input: 0.02, output: 0 } },
  { id: "m-guard", connectionId: "c-bedrock", remoteId: "abcdef123456:1", displayName: "総務課のガードレール（1）", description: "", task: "guardrail", capabilities: none, defaults: {}, position: 6, enabled: true, grants: [{ kind: "everyone" }], light: false, limits: unlimited, weight: 1, routes: [], fallbackId: "", price: { currency: "", input: 0, output: 0 } },
];

const titles = [
  "粗大ごみ手数料改定のお知らせ", "集積所の管理は誰が行うか", "外国語版チラシの表記の確認", "資源循環係 打合せの要点", "不法投棄の通報への返信",
  "収集カレンダー 令和9年度版", "令和8年度12月議会における一般廃棄物処理基本計画の見直しに関する答弁の下書き", "ごみの分け方・出し方 英語版", "減免申請の様式", "事業系ごみの相談",
];

export function conversations(count: number): Schemas["ConversationSummary"][] {
  return Array.from({ length: count }, (_, i) => ({
    id: `t-${i}`,
    title: titles[i % titles.length] ?? "",
    titleSource: "model" as const,
    modelId: "m-sonnet",
    updatedAt: ago([5, 170, 300, 1500, 1700, 60 * 24 * 3, 60 * 24 * 4, 60 * 24 * 6, 60 * 24 * 20, 60 * 24 * 45][i % 10] ?? 0),
    createdAt: ago(60 * 24 * 2),
    running: i === 1,
    tags: [],
    pinned: false,
    archived: false,
  })).sort((a, b) => b.updatedAt.localeCompare(a.updatedAt));
}

export const sessions: Session[] = [
  { id: "s-1", current: true, userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0", address: "10.24.8.31", createdAt: ago(60 * 26), lastSeenAt: ago(1), expiresAt: ago(-60 * 24 * 6) },
  { id: "s-2", current: false, userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile Safari/604.1", address: "10.24.9.104", createdAt: ago(60 * 24 * 4), lastSeenAt: ago(60 * 20), expiresAt: ago(-60 * 24 * 3) },
];

export const limits: Omit<Schemas["Limits"], "temporary"> = {
  messageBytes: 1 << 20, attachmentBytes: 20 << 20, attachmentsPerTurn: 10, importBytes: 1 << 30, defaultClass: 0,
  attachmentTypes: ["application/pdf", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "image/gif", "image/jpeg", "image/png", "image/webp", ".csv", ".md", ".txt"],
};

const regions = [["ap-northeast-1", "JP", "東京", "Tokyo"], ["ap-northeast-2", "KR", "ソウル", "Seoul"], ["ap-northeast-3", "JP", "大阪", "Osaka"], ["us-east-1", "US", "バージニア北部", "N. Virginia"]] as const;

export const residency: Schemas["ResidencyPolicy"] = {
  open: false, version: 0,
  rules: [{ name: "Japan", groupIds: [], regions: ["ap-northeast-1", "ap-northeast-3"], countries: ["JP"], models: [] }],
  data: { version: "2026-11-22", regions: regions.map(([id, country, ja, en]) => ({ id, country, ja, en })) },
};

export const chatSettings: Schemas["ChatSettings"] = {
  temporary: "allowed", attachmentBytes: 0, attachmentsPerTurn: 0, defaultClass: 0, version: 0,
  installed: { attachmentBytes: limits.attachmentBytes, attachmentsPerTurn: limits.attachmentsPerTurn },
};
