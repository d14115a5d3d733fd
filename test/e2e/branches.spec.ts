import { type Page } from "@playwright/test";
import { answers, ask, begun, call, composer, connectModel, conversationId, convert, ended, lastAnswer } from "./kakoi";
import { expect, test } from "./fixtures";
import { type Key, ja } from "./words";

/** The button of a message, which is seen once one points at it. */
const act = (page: Page, key: Key, nth = 0) => page.getByRole("button", { name: ja(key), exact: true }).nth(nth);

test("a question is edited beside the old one, also while an input method is at work", async ({ workplace, page }) => {
  await ended(await ask(page, "[[say 一つめの答え]] 元の依頼"));
  await ended(await ask(page, "[[say 続きの答え]] 続きの依頼"));
  await act(page, "chat.editQuestion").click();
  const box = page.getByRole("textbox", { name: ja("chat.editField") });
  await expect(box).toBeFocused();
  await box.fill("[[say 二つめの答え]] ");

  // Enter ends the conversion, not the edit.
  const becomes = await convert(page, "なおした");
  await expect(box).toBeVisible();
  await becomes("直した依頼");
  await expect(box).toHaveValue("[[say 二つめの答え]] 直した依頼");
  await page.keyboard.press("Enter");
  await ended(answers(page).first());
  await expect(answers(page)).toHaveCount(1);
  await expect(answers(page)).toContainText("二つめの答え");
  await expect(page.getByText("続きの依頼")).toHaveCount(0);

  await act(page, "chat.siblingBefore").click();
  await expect(answers(page)).toHaveCount(2);
  await expect(answers(page).last()).toContainText("続きの答え");
  await page.reload();
  await expect(answers(page)).toHaveCount(2);
  expect((await lastAnswer(workplace, page.request, await conversationId(page))).text).toContain("続きの答え");
});

test("an answer is asked for again, edited, and taken into a new conversation", async ({ workplace, page }) => {
  await ended(await ask(page, "[[say 最初の答え]] お願い"));
  const first = await conversationId(page);
  await act(page, "chat.regenerate").click();
  await page.getByRole("menuitem", { name: new RegExp(ja("chat.regenerateSame")) }).click();
  await expect(page.getByText("2/2")).toBeVisible();
  await ended(answers(page));
  await answers(page).getByRole("button", { name: ja("chat.more") }).click();
  await page.getByRole("menuitem", { name: ja("chat.editAnswer") }).click();
  await page.getByRole("textbox", { name: ja("chat.editField") }).fill("人が直した答え");
  await act(page, "chat.editSave").click();
  await expect(page.getByText("3/3")).toBeVisible();
  await expect(answers(page)).toContainText("人が直した答え");
  await answers(page).getByRole("button", { name: ja("chat.more") }).click();
  await page.getByRole("menuitem", { name: ja("chat.forkPath") }).click();
  await expect.poll(() => conversationId(page)).not.toBe(first);
  await expect(answers(page)).toContainText("人が直した答え");
  expect((await call(page.request, workplace, "GET", `/conversations/${first}/messages`)).items[1].siblingIds).toHaveLength(3);
});

test("two models answer side by side, and one goes on", async ({ workplace, page, fakes }) => {
  await connectModel(workplace, page.request, fakes.openai, "fake-large", "別のモデル");
  await page.reload();
  await page.getByRole("button", { name: /^モデル: / }).click();
  await page.getByRole("menuitem", { name: ja("chat.compare") }).click();
  const dialog = page.getByRole("dialog", { name: ja("chat.compareTitle") });
  for (const name of ["庁内モデル", "別のモデル"]) {
    const box = dialog.getByRole("checkbox", { name: new RegExp(name) });
    if (!(await box.isChecked())) await dialog.locator("label", { hasText: name }).click();
  }
  await dialog.getByRole("button", { name: ja("chat.compareStart") }).click();
  await composer(page).fill("[[long 60]] 比べたい依頼");
  await page.getByRole("button", { name: ja("chat.send") }).click();
  await expect(answers(page)).toHaveCount(2);
  await Promise.all([begun(answers(page).nth(0), 10), begun(answers(page).nth(1), 10)]);
  await page.reload();
  await ended(answers(page).nth(0));
  await ended(answers(page).nth(1));
  await page.getByRole("button", { name: /^別のモデル/ }).click();
  await expect(answers(page)).toHaveCount(1);
  await expect(page.getByText("2/2")).toBeVisible();
  await ended(await ask(page, "[[say 続き]] 続けて"));
  expect((await lastAnswer(workplace, page.request, await conversationId(page))).modelName).toBe("別のモデル");
});

test("a turn waits while an answer runs, in every tab, and another takes its place", async ({ workplace: _, page, context }) => {
  const answer = await ask(page, "[[rate 10]] [[long 250]] 長い文");
  await conversationId(page);
  await begun(answer);
  await composer(page).fill("[[say 待った答え]] 待つ依頼");
  await page.keyboard.press("Enter");
  const queue = (on: Page) => on.getByRole("region", { name: ja("chat.queue") });
  await expect(queue(page)).toContainText("待つ依頼");
  const second = await context.newPage();
  await second.goto(page.url());
  await expect(queue(second)).toContainText("待つ依頼");
  await expect(queue(page)).toHaveCount(0, { timeout: 60_000 });
  await expect(queue(second)).toHaveCount(0);
  for (const tab of [page, second]) await expect(answers(tab).last()).toContainText("待った答え");

  await begun(await ask(page, "[[long 2000]] とても長い文"));
  await composer(page).fill("[[say 急ぎの答え]] 急ぎの依頼");
  await act(page, "chat.sendReplace").click();
  await expect(answers(page).last()).toContainText("急ぎの答え", { timeout: 30_000 });
  await expect(page.getByText(ja("chat.stopped"))).toBeVisible();
});
