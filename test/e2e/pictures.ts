import { resolve } from "node:path";
import pg from "pg";
import { type Engine, ask, call, composer, connectModel, conversationId, ended, setUp } from "./kakoi";
import { expect, test } from "./fixtures";
import { type Conversation, playModel } from "./pictures-model";
import { words } from "./words";

// The pictures of the README: the built program with a model that is played,
// because a picture should look the same whoever takes it.

const images = resolve(import.meta.dirname, "../../docs/images");

test.use({ engine: "postgres" satisfies Engine as Engine, contextOptions: { reducedMotion: "reduce" } });

const survey: Conversation = {
  title: "窓口アンケートの集計",
  question: "9月の窓口アンケートを、8月と比べた表にまとめてください。",
  answer: `回答は **412件**（前月より38件増）で、全体の満足度は4.0でした。

| 項目 | 8月 | 9月 | 増減 |
|:---|---:|---:|---:|
| 説明の分かりやすさ | 4.2 | 4.4 | +0.2 |
| 職員の対応 | 4.5 | 4.5 | 0.0 |
| 待ち時間 | 3.6 | 3.2 | −0.4 |
| 手続きの案内 | 3.9 | 4.0 | +0.1 |

**気になる点**　待ち時間だけが下がりました。19件が、月曜の午前の混雑に触れています。

**次の一手**　月曜の午前に、証明書だけの窓口を1つ開けることを提案します。
`,
};

const earlier: [title: string, days: number][] = [
  ["防災訓練の案内文", 0],
  ["議事録の要点整理", 0],
  ["子育て支援の制度の説明文", 1],
  ["庁内研修の次第", 1],
  ["補助金の要綱の言い換え", 3],
  ["会議室の予約表の整理", 4],
  ["広報誌10月号の見出し案", 5],
];

test("a conversation, in Japanese", async ({ server, page }) => {
  const model = await playModel([survey, ...earlier.map(([title]) => ({ title, question: `${title}をお願いします`, answer: "承知しました。" }))]);
  try {
    await setUp(server, page.request, "ja", "山田 花子");
    await connectModel(server, page.request, model.url, "gemma-3-27b-it", "Gemma 3 27B", { contextTokens: 131072, outputTokens: 8192 });
    const begin = async (text: string) => {
      const answer = await ask(page, text);
      await ended(answer);
      const id = await conversationId(page);
      await expect.poll(async () => (await call(page.request, server, "GET", `/conversations/${id}`)).titleSource).toBe("model");
      return id;
    };
    const database = new pg.Client({ connectionString: server.databaseURL });
    await database.connect();
    for (const [title, days] of [...earlier].reverse()) {
      await page.goto(server.url);
      const id = await begin(`${title}をお願いします`);
      await database.query("UPDATE conversations SET active_at = active_at - $1 WHERE id = $2", [days * 86_400_000, id]);
    }
    await database.end();
    await page.goto(server.url);
    await begin(survey.question);
    await page.reload();
    await expect(page.getByRole("table")).toBeVisible();
    await expect(page.getByRole("navigation").getByText(earlier.at(-1)![0])).toBeVisible();
    await composer(page).blur();
    await page.mouse.move(0, 0);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: `${images}/chat-ja.png` });
  } finally {
    model.stop();
  }
});

test("the administration, in English", async ({ server, page, fakes, browser }) => {
  const t = words("en");
  await setUp(server, page.request, "en", "Hanako Yamada");
  const groups: Record<string, string> = {};
  for (const name of ["Planning", "Tax", "Trial members"]) groups[name] = (await call(page.request, server, "POST", "/admin/groups", { name })).id;
  const connect = async (name: string, kind: string, settings: object, secret?: object) => (await call(page.request, server, "POST", "/admin/connections", { name, kind, enabled: true, settings, secret })).id;
  const house = await connect("vLLM in the server room", "openai", { baseUrl: "http://10.20.0.15:8000/v1" });
  const local = await connect("Ollama on this server", "openai", { baseUrl: "http://127.0.0.1:11434/v1" });
  const tokyo = await connect("Bedrock Tokyo", "bedrock", { region: fakes.region, endpoint: fakes.bedrock, controlEndpoint: fakes.bedrock, stsEndpoint: fakes.bedrock, credentials: "static" }, { accessKeyId: fakes.accessKeyId, secretAccessKey: fakes.secretAccessKey });
  const sees = { vision: true, documents: false, reasoning: false, tools: true, contextTokens: 131_072, outputTokens: 8_192 };
  const thinks = { vision: true, documents: true, reasoning: true, tools: true, contextTokens: 200_000, outputTokens: 64_000 };
  const add = async (connectionId: string, remoteId: string, displayName: string, capabilities: object, more: object = {}) =>
    (await call(page.request, server, "POST", "/admin/models", { connectionId, remoteId, displayName, enabled: true, capabilities, ...more })).id as string;
  for (const demo of (await call(page.request, server, "GET", "/admin/models")).items) await call(page.request, server, "PATCH", `/admin/models/${demo.id}`, { enabled: false });
  const spare = await add(house, "qwen3-32b", "Qwen3 32B", { ...sees, vision: false, reasoning: true });
  const main = await add(tokyo, "jp.anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude Sonnet 4.5", thinks, {
    description: "Long documents, drafts and analysis", fallbackId: spare, grants: [groups.Planning, groups["Trial members"]].map((id) => ({ kind: "group", id })),
    defaults: { temperature: 0.3, reasoningEffort: "medium" }, price: { currency: "USD", input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
  });
  const light = await add(tokyo, "jp.anthropic.claude-haiku-4-5-20251001-v1:0", "Claude Haiku 4.5", thinks, { light: true, price: { currency: "USD", input: 1, output: 5 } });
  const nova = await add(tokyo, "jp.amazon.nova-2-lite-v1:0", "Nova 2 Lite", thinks, { grants: [{ kind: "group", id: groups.Tax }] });
  const small = await add(local, "gemma3:27b", "Gemma 3 27B", sees);
  const rest = (await call(page.request, server, "GET", "/admin/models")).items.map((m: { id: string }) => m.id).filter((id: string) => ![main, light, spare, small, nova].includes(id));
  await call(page.request, server, "PUT", "/admin/models/order", { ids: [main, light, spare, small, nova, ...rest] });

  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1366, height: 768 }, storageState: await page.context().storageState(), reducedMotion: "reduce" });
  const admin = await context.newPage();
  await admin.goto(`${server.url}/admin/models?id=${main}`);
  await expect(admin.getByRole("heading", { name: "Claude Sonnet 4.5" })).toBeVisible();
  await expect(admin.getByRole("button", { name: t("common.edit") })).toBeVisible();
  await expect(admin.getByRole("complementary").getByText("Planning")).toBeVisible();
  await admin.mouse.move(0, 0);
  await admin.evaluate(() => document.fonts.ready);
  await admin.screenshot({ path: `${images}/admin-en.png` });
  await context.close();
});
