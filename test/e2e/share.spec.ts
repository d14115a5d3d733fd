import type { Locator, Page } from "@playwright/test";
import { addMember, answers, ask, attach, call, composer, conversationId, ended, png } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { type Key, ja, words } from "./words";

const en = words("en");

const button = (where: Page | Locator, key: Key, values = {}) => where.getByRole("button", { name: ja(key, values), exact: true });
const dialog = (page: Page, key: Key) => page.getByRole("dialog", { name: ja(key) });
const people = (page: Page) => page.getByRole("combobox", { name: ja("share.findPeople") });

/** Chooses somebody whose name is typed as Japanese is: the Enter of the conversion chooses nobody. */
async function choose(page: Page, name: string): Promise<void> {
  const form = dialog(page, "share.newTitle");
  await people(page).focus();
  const client = await page.context().newCDPSession(page);
  await client.send("Input.imeSetComposition", { text: name, selectionStart: name.length, selectionEnd: name.length });
  const found = form.getByRole("option", { name });
  await expect(found).toBeVisible();
  await people(page).evaluate((field) => {
    for (const init of [{ key: "Enter", isComposing: true }, { key: "Enter", keyCode: 229 }]) field.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init }));
  });
  await client.send("Input.insertText", { text: name });
  await client.detach();
  await expect(found).toBeVisible();
  await expect(form.getByRole("list", { name: ja("share.chosen") })).toHaveCount(0);
  await expect(people(page)).toHaveAttribute("aria-activedescendant", /./);
  await people(page).press("Enter");
  await expect(form.getByRole("list", { name: ja("share.chosen") }).getByText(name)).toBeVisible();
}

/** Shares the open conversation and returns the address. */
async function share(page: Page, first: boolean, live: boolean, name: string, look?: Inspector): Promise<string> {
  if (first) await button(page, "share.share").click();
  else await button(dialog(page, "share.title"), "share.another").click();
  const form = dialog(page, "share.newTitle");
  await button(form, "share.share").click();
  await expect(form.getByRole("alert")).toHaveText(ja("share.chooseSomebody"));
  await choose(page, name);
  if (live) {
    await form.getByRole("radio", { name: ja("share.live") }).check({ force: true });
    await form.getByText(ja("share.withSystemPrompt")).click();
  }
  await look?.look("the form to share");
  await button(form, "share.share").click();
  const card = dialog(page, "share.title").getByRole("listitem").filter({ hasText: ja("share.created") });
  await expect(card).toContainText(name);
  return card.getByRole("textbox", { name: ja("share.link") }).inputValue();
}

test("a conversation is shown to a chosen person, as it was and as it goes on, until it is taken back", async ({ workplace, page, visit }) => {
  const eye = new Inspector(page, "ja", [/^fake-|^庁内モデル$/]);
  const [sato, ito] = [await visit(), await visit({ locale: "en-GB" })];
  await addMember(workplace, page.request, sato.request, "佐藤 次郎", "sato@example.jp");
  await addMember(workplace, page.request, ito.request, "Ito Saburo", "ito@example.jp");
  await call(ito.request, workplace, "PATCH", "/me/preferences", { locale: "en" });
  await page.reload();
  await attach(page, "図.png", png(60, 40));
  await ended(await ask(page, "[[say 最初の答えです]] 締切はいつですか"));
  const id = await conversationId(page);
  await call(page.request, workplace, "PATCH", `/conversations/${id}`, { title: "締切の相談", systemPrompt: "短く答える" });
  await page.reload();
  await expect(answers(page)).toHaveCount(1);

  const still = await share(page, true, false, "佐藤 次郎", eye);
  const live = await share(page, false, true, "佐藤 次郎");
  await button(dialog(page, "share.title"), "common.done").click();
  await expect(button(page, "share.sharedNowShow")).toBeVisible();

  const watching = (await visit({ storageState: await sato.page.context().storageState() })).page;
  const his = new Inspector(sato.page, "ja", [/^fake-|^庁内モデル$/]);
  await test.step("the other sees it, and can write nothing", async () => {
    await Promise.all([sato.page.goto(still), watching.goto(live)]);
    for (const shown of [sato.page, watching]) {
      await expect(shown.getByRole("heading", { level: 1, name: "締切の相談" })).toBeVisible();
      await expect(answers(shown)).toHaveText(/最初の答えです/);
      await expect(shown.getByText(ja("share.sharedBy", { name: "管理 花子" }))).toBeVisible();
      await expect(composer(shown)).toHaveCount(0);
      await expect.poll(() => shown.getByRole("img", { name: "図.png" }).evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(60);
    }
    await his.look("what is shared");
  });

  await test.step("the owner goes on", async () => {
    await ended(await ask(page, "[[say 次の答えです]] では資料は"));
    await expect(answers(watching)).toHaveText([/最初の答えです/, /次の答えです/], { timeout: 30_000 });
    await sato.page.reload();
    await expect(answers(sato.page)).toHaveText([/最初の答えです/]);
  });

  await test.step("who has seen it", async () => {
    await button(page, "share.sharedNowShow").click();
    const [newest] = await dialog(page, "share.title").getByRole("listitem").all();
    await button(newest!, "share.seenBy", { count: 1, formatted: "1" }).click();
    await expect(newest!.getByRole("row", { name: /佐藤 次郎/ })).toContainText(ja("share.timesCount", { count: 1, formatted: "1" }));
    await eye.look("how it is shared, and who has seen it");
    await button(dialog(page, "share.title"), "common.done").click();
  });

  await test.step("a copy of one's own, with the instructions", async () => {
    await button(sato.page, "share.copyToMine").click();
    await expect(composer(sato.page)).toBeVisible();
    const plain = await call(sato.request, workplace, "GET", `/conversations/${await conversationId(sato.page)}`);
    expect(plain.systemPrompt).toBe("");
    await sato.page.goto(live);
    await button(sato.page, "share.copyToMine").click();
    await button(dialog(sato.page, "share.copyToMine"), "share.copy").click();
    await expect(composer(sato.page)).toBeVisible();
    await expect(answers(sato.page)).toHaveCount(2);
    const copy = await call(sato.request, workplace, "GET", `/conversations/${await conversationId(sato.page)}`);
    expect(copy).toMatchObject({ title: "締切の相談", systemPrompt: "短く答える" });
    await ended(await ask(sato.page, "[[say 自分の答え]] 続けます"));
    await expect(sato.page.getByRole("img", { name: "図.png" })).toBeVisible();
  });

  await test.step("nobody else sees it", async () => {
    await ito.page.goto(still);
    await expect(ito.page.getByRole("heading", { level: 1, name: en("share.gone") })).toBeVisible();
    await new Inspector(ito.page, "en", [/^Ito Saburo$/]).look("a share that is not for one");
  });

  await test.step("the lists, and the end", async () => {
    await sato.page.goto(`${workplace.url}/shared`);
    await expect(sato.page.getByRole("row", { name: /締切の相談/ })).toHaveCount(2);
    await his.look("what is shared with one");
    await page.goto(`${workplace.url}/shared`);
    await page.getByRole("tab", { name: ja("share.byMe") }).click();
    await expect(page).toHaveURL(/scope=mine/);
    const rows = page.getByRole("row", { name: /締切の相談/ });
    await expect(rows).toHaveCount(2);
    await eye.look("what one shares");
    for (const left of [1, 0]) {
      await button(rows.first(), "share.revokeNamed", { title: "締切の相談" }).click();
      await button(page.getByRole("alertdialog"), "share.revoke").click();
      await expect(rows).toHaveCount(left);
    }
    // The page that was open says so by itself, and keeps nothing of it.
    await expect(watching.getByRole("heading", { level: 1, name: ja("share.gone") })).toBeVisible({ timeout: 30_000 });
    await expect(answers(watching)).toHaveCount(0);
    await sato.page.goto(still);
    await expect(sato.page.getByRole("heading", { level: 1, name: ja("share.gone") })).toBeVisible();
  });
});

test("for everyone with the link, in English", async ({ workplace, page, visit }) => {
  const ito = await visit({ locale: "en-GB" });
  await addMember(workplace, page.request, ito.request, "Ito Saburo", "ito@example.jp");
  await call(ito.request, workplace, "PATCH", "/me/preferences", { locale: "en" });
  await page.reload();
  await ended(await ask(page, "[[say Ten o'clock]] When?"));
  await button(page, "chat.conversationActs").click();
  await page.getByRole("menuitem", { name: ja("chat.share") }).click();
  const form = dialog(page, "share.newTitle");
  await form.getByRole("radio", { name: ja("share.everyone") }).check({ force: true });
  await expect(people(page)).toHaveCount(0);
  await button(form, "share.share").click();
  const link = await dialog(page, "share.title").getByRole("textbox", { name: ja("share.link") }).inputValue();
  await button(dialog(page, "share.title"), "share.change").click();
  const change = dialog(page, "share.changeTitle");
  await change.getByRole("button", { name: new RegExp(ja("share.term")) }).click();
  await page.getByRole("option", { name: ja("share.terms.never") }).click();
  await button(change, "common.save").click();
  await expect(dialog(page, "share.title").getByText(ja("share.untilRevoked"))).toBeVisible();

  await ito.page.goto(`${workplace.url}/shared`);
  await expect(ito.page.getByText(en("share.withMeEmpty"))).toBeVisible(); // a link for everyone is not pushed on everyone
  await ito.page.goto(link);
  await expect(ito.page.getByText(en("share.sharedBy", { name: "管理 花子" }))).toBeVisible();
  await new Inspector(ito.page, "en", [/管理 花子|Ito Saburo|庁内モデル|^fake-|Ten o'clock|When\?/]).look("what is shared");
  await ito.page.getByRole("link", { name: en("frame.shared") }).click();
  await expect(ito.page.getByRole("row", { name: /管理 花子/ })).toBeVisible();
});
