import { addMember, admin, answers, ask, attach, begun, call, composer, conversationId, ended, lastAnswer, png, signIn } from "./kakoi";
import { expect, test } from "./fixtures";
import { ja } from "./words";

test("the first administrator comes in by the link, once, and talks", async ({ page, server, visit }) => {
  await page.goto(server.setupLink);
  await page.getByLabel(ja("account.name"), { exact: true }).fill(admin.name);
  await page.getByLabel(ja("account.email")).fill(admin.email);
  await page.getByLabel(ja("account.newPassword"), { exact: true }).fill(admin.password);
  await page.getByRole("button", { name: ja("account.create") }).click();
  await expect(composer(page)).toBeVisible();
  await ended(await ask(page, "はじめまして。自己紹介をしてください。"));
  await expect(page.locator("main")).toContainText(ja("chat.demo"));

  const { page: other } = await visit();
  await other.goto(server.setupLink);
  await expect(other.getByText(ja("account.alreadySetUp"))).toBeVisible();
  await other.goto(server.url);
  await signIn(other, admin.email, admin.password);
  await expect(composer(other)).toBeVisible();
});

for (const engine of ["sqlite", "postgres"] as const) {
  test.describe(engine, () => {
    test.use({ engine });

    test("an answer streams, survives a reload, and is seen in a second tab", async ({ workplace, page, context }) => {
      const answer = await ask(page, "[[long 300]] 通知文を書いてください");
      const conversation = await conversationId(page);
      await begun(answer);
      await expect(page.getByRole("button", { name: ja("chat.stop") })).toBeVisible();
      const second = await context.newPage();
      await second.goto(page.url());
      await begun(answers(second));
      await page.reload();
      await ended(answers(page));
      await ended(answers(second));
      const shown = await answers(page).locator(".prose").innerText();
      expect(shown.replace(/\s/g, "")).toBe((await lastAnswer(workplace, page.request, conversation)).text.replace(/\s/g, ""));
      expect(await answers(second).locator(".prose").innerText()).toBe(shown);
    });

    test("stopping keeps what was said and closes the model's connection", async ({ workplace, page, fakes }) => {
      const answer = await ask(page, "[[long 2000]] とても長い文を書いてください");
      await begun(answer);
      await expect.poll(fakes.live).toBe(1);
      await page.getByRole("button", { name: ja("chat.stop") }).click();
      await expect(answer.getByText(ja("chat.stopped"))).toBeVisible();
      await expect.poll(fakes.live).toBe(0);
      const stored = await lastAnswer(workplace, page.request, await conversationId(page));
      expect(stored.status).toBe("stopped");
      expect(stored.text.length).toBeGreaterThan(50);
      expect(stored.usage.outputTokens).toBeGreaterThan(0);
      await page.reload();
      await expect(answer.getByText(ja("chat.stopped"))).toBeVisible();
      await expect(answer.locator(".prose")).toContainText(stored.text.slice(0, 40));
    });

    test("stopping before the first word closes the model's connection too", async ({ workplace, page, fakes }) => {
      const answer = await ask(page, "[[silence]] 返事のないお願いです");
      await expect.poll(fakes.live).toBe(1);
      await page.getByRole("button", { name: ja("chat.stop") }).click();
      await expect(answer.getByText(ja("chat.stoppedEmpty"))).toBeVisible();
      await expect.poll(fakes.live).toBe(0);
      expect((await lastAnswer(workplace, page.request, await conversationId(page))).status).toBe("stopped");
    });

    test("a killed server keeps the question and what was said, and goes on", async ({ workplace, page }) => {
      const answer = await ask(page, "[[long 600]] 議事の要点をまとめてください");
      const conversation = await conversationId(page);
      await begun(answer);
      const seen = (await answer.locator(".prose").innerText()).replace(/\s/g, "").slice(0, 50);
      await begun(answer, 300); // several seconds later, of which a crash may lose about one
      await workplace.kill();
      await workplace.boot();
      await expect(answer.getByText(ja("chat.interrupted"))).toBeVisible({ timeout: 90_000 });
      await page.reload();
      await expect(page.getByText("議事の要点をまとめてください").first()).toBeVisible();
      const kept = await lastAnswer(workplace, page.request, conversation);
      expect(kept.text.replace(/\s/g, "").slice(0, 50)).toBe(seen);
      await answer.getByRole("button", { name: ja("chat.continue") }).click();
      await expect.poll(async () => (await lastAnswer(workplace, page.request, conversation)).status, { timeout: 90_000 }).toBe("complete");
      const whole = await lastAnswer(workplace, page.request, conversation);
      expect(whole.text.startsWith(kept.text)).toBeTruthy();
      expect(whole.text.length).toBeGreaterThan(kept.text.length);
      await ended(answer);
    });

    test("another person's ids are not found", async ({ workplace: server, page, visit }) => {
      await attach(page, "secret.png", png(8, 8));
      await ended(await ask(page, "[[say 内緒の話]] 秘密の相談です"));
      const conversation = await conversationId(page);
      const sessions = await call(page.request, server, "GET", "/me/sessions");
      const { items } = await call(page.request, server, "GET", `/conversations/${conversation}/messages`);
      const run = items[1].runId;
      const attachment = items[0].parts.find((part: { attachmentId?: string }) => part.attachmentId).attachmentId;
      for (const id of [conversation, run, attachment, sessions.items[0].id]) expect(id).toMatch(/^[0-9a-f-]{36}$/);

      const stranger = await visit();
      await addMember(server, page.request, stranger.request, "佐藤 次郎", "sato@example.jp");
      const turn = { text: "続けて", clientId: "0123456789abcdef0123456789abcdef", attachmentIds: [] };
      for (const [method, path, data] of [
        ["GET", `/conversations/${conversation}`],
        ["PATCH", `/conversations/${conversation}`, { title: "取った" }],
        ["GET", `/conversations/${conversation}/messages`], // they carry usage and cost
        ["POST", `/conversations/${conversation}/turns`, turn],
        ["POST", `/conversations/${conversation}/continue`],
        ["POST", `/conversations/${conversation}/retry`],
        ["GET", `/runs/${run}/events`],
        ["POST", `/runs/${run}/stop`],
        ["GET", `/attachments/${attachment}/content`],
        ["DELETE", `/attachments/${attachment}`],
        ["DELETE", `/me/sessions/${sessions.items[0].id}`],
        ["DELETE", `/conversations/${conversation}`],
      ] as const) {
        const response = await stranger.request.fetch(`${server.url}/api/v1${path}`, { method, data, headers: { origin: server.url } });
        expect(response.status(), `${method} ${path}: ${await response.text()}`).toBe(404);
        expect((await response.json()).code).toBe("not_found");
        expect(await response.text()).not.toContain("内緒");
      }
      await stranger.page.goto(`${server.url}/c/${conversation}`);
      await expect(stranger.page.getByText(ja("chat.notFound"))).toBeVisible();
      await expect(stranger.page.locator("body")).not.toContainText("秘密");

      await page.reload(); // all of it is still there
      await expect(answers(page)).toContainText("内緒の話");
    });
  });
}
