import { AxeBuilder } from "@axe-core/playwright";
import { type Page, expect, test } from "@playwright/test";
import { type Engine, type Fakes, Kakoi, admin, ask, call, composer, connectModel, ended, setUp, startFakes } from "./kakoi";

let fakes: Fakes;

test.beforeAll(async () => {
  fakes = await startFakes(30);
});
test.afterAll(() => fakes.stop());

/** Runs a test against a server that has an administrator and a model. */
function withServer(engine: Engine, body: (server: Kakoi, page: Page) => Promise<void>) {
  return async ({ page }: { page: Page }) => {
    const server = await Kakoi.start(engine);
    try {
      await setUp(server, page.request);
      const models = await fetch(`${fakes.openai}/models`).then((r) => r.json());
      await connectModel(server, page.request, fakes.openai, models.data[0].id, "庁内モデル");
      await page.goto(server.url);
      await body(server, page);
    } finally {
      await server.stop();
    }
  };
}

test("the first administrator comes in by the link, once, and talks", async ({ page, browser }) => {
  const server = await Kakoi.start();
  try {
    const refused: string[] = [];
    page.on("console", (m) => { if (m.type() === "error" && /Content Security Policy/.test(m.text())) refused.push(m.text()); });
    await page.goto(server.setupLink);
    await page.getByLabel("氏名").fill(admin.name);
    await page.getByLabel("メールアドレス").fill(admin.email);
    await page.getByLabel("パスワード", { exact: false }).first().fill(admin.password);
    await page.getByRole("button", { name: "管理者を作って始める" }).click();
    await expect(composer(page)).toBeVisible();
    await ask(page, "はじめまして。自己紹介をしてください。");
    await ended(page);
    await expect(page.locator("main")).toContainText("試用");
    const axe = await new AxeBuilder({ page }).analyze();
    expect(axe.violations.filter((v) => v.impact === "serious" || v.impact === "critical")).toEqual([]);
    expect(refused).toEqual([]);

    const other = await (await browser.newContext({ locale: "ja-JP" })).newPage();
    await other.goto(server.setupLink);
    await expect(other.getByText("初期設定は済んでいます")).toBeVisible();
    await other.goto(server.url);
    await other.getByLabel("メールアドレス").fill(admin.email);
    await other.getByLabel("パスワード", { exact: true }).fill(admin.password);
    await other.getByRole("button", { name: "サインインする" }).click();
    await expect(composer(other)).toBeVisible();
  } finally {
    await server.stop();
  }
});

for (const engine of ["sqlite", "postgres"] as const) {
  test.describe(engine, () => {
    test("an answer streams, survives a reload, and is seen in a second tab", withServer(engine, async (_server, page) => {
      await ask(page, "[[long 300]] 通知文を書いてください");
      await expect(page).toHaveURL(/\/c\//);
      await expect(page.getByRole("button", { name: "止める" })).toBeVisible();
      const second = await page.context().newPage();
      await second.goto(page.url());
      await expect(second.getByRole("button", { name: "止める" })).toBeVisible();
      await page.reload();
      await ended(page);
      await ended(second);
      const text = (p: Page) => p.getByRole("log").or(p.locator("main")).first().locator("article, [data-role=assistant]").last().innerText();
      expect(await text(page)).toBe(await text(second));
    }));

    test("stopping keeps what was said and closes the model's connection", withServer(engine, async (_server, page) => {
      await ask(page, "[[long 2000]] とても長い文を書いてください");
      await page.waitForTimeout(1500);
      await page.getByRole("button", { name: "止める" }).click();
      await expect(page.getByText("ここで止めました。")).toBeVisible();
      await page.reload();
      await expect(page.getByText("ここで止めました。")).toBeVisible();
    }));

    test("a killed server keeps the question and what was said, and goes on", withServer(engine, async (server, page) => {
      await ask(page, "[[long 400]] 議事の要点をまとめてください");
      const answer = page.getByRole("article", { name: "回答" });
      await expect.poll(async () => (await answer.innerText()).length).toBeGreaterThan(100);
      await page.waitForTimeout(1500); // what a crash may lose is about a second
      await server.kill();
      await server.boot();
      await expect(page.getByText("サーバーが止まり、回答が途中で終わりました").first()).toBeVisible({ timeout: 60_000 });
      await page.reload();
      await expect(page.getByText("議事の要点をまとめてください").first()).toBeVisible();
      const conversation = new URL(page.url()).pathname.split("/").pop();
      const before = await call(page.request, server, "GET", `/conversations/${conversation}/messages`);
      const said = before.items[1].parts.map((p: { text: string }) => p.text).join("");
      expect(said.length).toBeGreaterThan(20);
      await page.getByRole("button", { name: "続ける" }).click();
      await ended(page);
      const after = await call(page.request, server, "GET", `/conversations/${conversation}/messages`);
      expect(after.items[1].status).toBe("complete");
      expect(after.items[1].parts.map((p: { text: string }) => p.text).join("").startsWith(said)).toBeTruthy();
    }));

    test("another person's ids are not found", withServer(engine, async (server, page) => {
      await ask(page, "秘密の相談です");
      await ended(page);
      const id = new URL(page.url()).pathname.split("/").pop();
      const made = await call(page.request, server, "POST", "/admin/accounts", { name: "佐藤", email: "sato@example.jp", role: "member" });
      const context = await page.context().browser()!.newContext();
      await call(context.request, server, "POST", "/sign-in", { email: "sato@example.jp", password: made.temporaryPassword });
      await call(context.request, server, "POST", "/me/password", { current: made.temporaryPassword, new: "another horse battery" });
      for (const [method, path] of [["GET", ""], ["GET", "/messages"], ["DELETE", ""]] as const) {
        const r = await context.request.fetch(`${server.url}/api/v1/conversations/${id}${path}`, { method, headers: { origin: server.url } });
        expect(r.status(), `${method} ${path}`).toBe(404);
      }
      await context.close();
    }));
  });
}

test("Enter while composing with an IME does not send", withServer("sqlite", async (_server, page) => {
  await composer(page).focus();
  const ime = await page.context().newCDPSession(page);
  await ime.send("Input.imeSetComposition", { text: "ごみ", selectionStart: 2, selectionEnd: 2 });
  await page.keyboard.press("Enter");
  await expect(page).not.toHaveURL(/\/c\//);
  await ime.send("Input.insertText", { text: "ごみの分け方" });
  await expect(composer(page)).toHaveValue(/ごみの分け方/);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/c\//);
  await ended(page);
}));
