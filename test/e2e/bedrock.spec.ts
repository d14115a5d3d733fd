import type { Page } from "@playwright/test";
import { answers, ask, attach, begun, composer, conversationId, ended, lastAnswer, png, setUp, startFakes } from "./kakoi";
import { expect, test as base } from "./fixtures";
import { ja } from "./words";

// Fakes of its own: this changes the keys that they take.
const test = base.extend<object, { fakes: Awaited<ReturnType<typeof startFakes>> }>({
  fakes: [
    async ({}, use) => {
      const fakes = await startFakes();
      await use(fakes);
      fakes.stop();
    },
    { scope: "worker" },
  ],
});

const model = "JP Anthropic Claude Haiku 4.5";

/** Chooses from a list that opens at a control. */
async function choose(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole("button", { name: label }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

test("a conversation on Bedrock's protocol, from the first connection to a changed key", async ({ server, page, fakes }) => {
  test.setTimeout(420_000);
  await setUp(server, page.request);
  const asked = async () => ((await fetch(`${fakes.control}/requests`).then((r) => r.json())) as { Operation: string; Exception: string }[]).filter((r) => r.Operation === "ConverseStream");

  await test.step("the connection is made in the console, whose test names the step that fails", async () => {
    await page.goto(`${server.url}/admin/connections`);
    await page.getByRole("button", { name: ja("admin.connections.add") }).first().click();
    await page.getByRole("button", { name: ja("admin.connections.bedrock") }).click();
    const dialog = page.getByRole("dialog", { name: ja("admin.connections.addKind.bedrock") });
    await dialog.getByLabel(ja("admin.connections.name"), { exact: true }).fill("東京の Bedrock");
    await expect(dialog.getByRole("combobox", { name: ja("admin.connections.region") })).toHaveValue(fakes.region);
    await dialog.getByText(ja("admin.connections.credentialsStatic"), { exact: true }).click();
    await dialog.getByLabel(ja("admin.connections.accessKeyId")).fill(fakes.accessKeyId);
    await dialog.getByLabel(ja("admin.connections.secretAccessKey"), { exact: true }).fill("not-the-secret-of-this-key");
    await dialog.getByRole("button", { name: ja("admin.connections.more") }).click();
    await dialog.getByLabel(ja("admin.connections.endpoint")).first().fill(fakes.bedrock);
    await dialog.getByLabel(ja("admin.connections.controlEndpoint")).fill(fakes.bedrock);
    await dialog.getByLabel(ja("admin.connections.stsEndpoint")).fill(fakes.bedrock);

    const steps = dialog.getByRole("status");
    const check = dialog.getByRole("button", { name: ja("admin.connections.check") });
    await check.click();
    await expect(steps).toContainText(ja("admin.connections.checkFailed"));
    const failed = steps.getByRole("listitem").filter({ hasText: ja("admin.connections.stepFailed") });
    await expect(failed).toHaveCount(1);
    await expect(failed).toContainText(ja("admin.connections.step.credentials"));
    await expect(failed).toContainText(ja("doctor.code.credentials_signature.what"));
    await expect(failed).toContainText(ja("doctor.code.credentials_signature.remedy"));

    await dialog.getByLabel(ja("admin.connections.secretAccessKey"), { exact: true }).fill(fakes.secretAccessKey);
    await check.click();
    await expect(steps).toContainText(ja("admin.connections.checkPassed"));
    await dialog.getByRole("button", { name: ja("admin.connections.addAct") }).click();
  });

  await test.step("its models are taken from what it offers", async () => {
    const dialog = page.getByRole("dialog", { name: ja("admin.models.addTitle") });
    await dialog.getByText(model, { exact: true }).click();
    await dialog.getByRole("button", { name: ja("admin.models.addCount", { count: 1 }) }).click();
    await expect(page.getByRole("grid").or(page.getByRole("table")).getByText(model)).toBeVisible();
    await page.getByRole("link", { name: ja("frame.backToKakoi") }).click();
    await page.getByRole("button", { name: ja("chat.modelNamed", { name: "" }) }).click();
    await page.getByRole("menuitemradio", { name: model }).click();
  });

  const conversation = await test.step("text", async () => {
    const answer = await ask(page, "来月の防災訓練の案内文を書いてください");
    await ended(answer);
    await expect(answer).toContainText("「来月の防災訓練の案内文を書いてください」についてお答えします。");
    const id = await conversationId(page);
    const stored = await lastAnswer(server, page.request, id);
    expect(stored.status).toBe("complete");
    expect(stored.usage.inputTokens).toBeGreaterThan(0);
    expect(stored.usage.outputTokens).toBeGreaterThan(0);
    return id;
  });

  await test.step("a picture", async () => {
    await attach(page, "ポスター.png", png(24, 16));
    const answer = await ask(page, "この画像について説明してください");
    await ended(answer);
    await expect(answer).toContainText("I see a 24x16 png.");
    const picture = page.getByRole("article", { name: ja("chat.you") }).getByRole("img", { name: "ポスター.png" });
    await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(24);
  });

  await test.step("reasoning, folded until it is opened", async () => {
    await page.getByRole("button", { name: ja("chat.conversationActs") }).click();
    await page.getByRole("menuitem", { name: ja("chat.settingsTitle") }).click();
    await choose(page, ja("chat.effort"), ja("chat.effortHigh"));
    await page.getByRole("button", { name: ja("common.save"), exact: true }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
    const answer = await ask(page, "[[reason 90]] よく考えて答えてください");
    const line = answer.getByRole("button", { expanded: false });
    await expect(line.first()).toContainText(ja("chat.thinking", { time: "" }).trim());
    await ended(answer);
    await expect(line.first()).toContainText(ja("chat.thought", { time: "" }));
    const stored = await lastAnswer(server, page.request, conversation);
    const thought = stored.parts.find((part: { type: string }) => part.type === "reasoning").text as string;
    expect(stored.usage.outputTokens).toBeGreaterThan(90); // Bedrock counts them together
    await expect(answer).not.toContainText(thought.slice(0, 12));
    await line.first().click();
    await expect(answer).toContainText(thought.slice(0, 12));
  });

  await test.step("throttling is waited out", async () => {
    const before = (await asked()).length;
    const answer = await ask(page, "[[throttle 2]] 混み合う時間のお願いです");
    await ended(answer);
    await expect(answer).toContainText("についてお答えします");
    expect((await asked()).slice(before, before + 3).map((r) => r.Exception)).toEqual(["ThrottlingException", "ThrottlingException", ""]);
  });

  await test.step("throttling that lasts is told in words, and can be tried again", async () => {
    const answer = await ask(page, "[[throttle 3]] とても混み合う時間のお願いです");
    await ended(answer);
    await expect(answer).toContainText(ja("errors.model_throttled.what"));
    await expect(answer).toContainText(ja("errors.model_throttled.todo"));
    await expect(answer).not.toContainText("Throttling");
    await answer.getByRole("button", { name: ja("chat.tryAgain") }).click();
    await expect(answer).toContainText("についてお答えします");
    await ended(answer);
  });

  await test.step("a cut stream keeps what was said, and goes on", async () => {
    const answer = await ask(page, "[[long 80]] [[cut 40]] 途中で切れるお願いです");
    await ended(answer);
    await expect(answer).toContainText(ja("errors.model_broke_off.what"));
    const cut = await lastAnswer(server, page.request, conversation);
    expect(cut.status).toBe("failed");
    expect(cut.text.length).toBeGreaterThan(20);
    await page.reload();
    const last = answers(page).last();
    await expect(last).toContainText(ja("errors.model_broke_off.what"));
    await last.getByRole("button", { name: ja("chat.continue") }).click();
    await expect.poll(async () => (await lastAnswer(server, page.request, conversation)).status, { timeout: 60_000 }).toBe("complete");
    await ended(last);
    const whole = await lastAnswer(server, page.request, conversation);
    expect(whole.text.startsWith(cut.text)).toBeTruthy();
    expect(whole.text.length).toBeGreaterThan(cut.text.length);
    await expect(last).not.toContainText(ja("errors.model_broke_off.what"));
  });

  await test.step("stopping closes the connection", async () => {
    const answer = await ask(page, "[[long 2000]] とても長いお願いです");
    await begun(answer);
    await page.getByRole("button", { name: ja("chat.stop") }).click();
    await expect(answer).toContainText(ja("chat.stopped"));
    await expect.poll(fakes.live).toBe(0);
  });

  await test.step("a key that holds no longer is told, and a new one holds at once", async () => {
    const key = { id: "AKIAKAKOIFAKE0000002", secret: "another/fake+secret/for/tests/0000000000" };
    const changed = await fetch(`${fakes.control}/keys`, { method: "POST", body: JSON.stringify([key]) });
    expect(changed.status).toBe(204);
    const answer = await ask(page, "キーが変わったあとのお願いです");
    await ended(answer);
    await expect(answer).toContainText(ja("errors.model_credentials.reasons.unknown_key.what"));
    await expect(answer).toContainText(ja("errors.model_credentials.reasons.unknown_key.todo"));

    const chat = page.url();
    await page.goto(`${server.url}/admin/connections`);
    await page.getByText("東京の Bedrock").click();
    await page.getByRole("button", { name: ja("common.edit") }).click();
    const dialog = page.getByRole("dialog", { name: ja("admin.connections.editTitle", { name: "東京の Bedrock" }) });
    await dialog.getByLabel(ja("admin.connections.accessKeyId")).fill(key.id);
    await dialog.getByLabel(ja("admin.connections.secretAccessKey"), { exact: true }).fill(key.secret);
    await dialog.getByRole("button", { name: ja("admin.connections.check") }).click();
    await expect(dialog.getByRole("status")).toContainText(ja("admin.connections.checkPassed"));
    await dialog.getByRole("button", { name: ja("common.save") }).click();
    await expect(dialog).toHaveCount(0);

    await page.goto(chat);
    const last = answers(page).last();
    await last.getByRole("button", { name: ja("chat.tryAgain") }).click();
    await expect(last).toContainText("「キーが変わったあとのお願いです」についてお答えします。");
    await ended(last);
    await expect(composer(page)).toBeVisible();
  });
});
