import type { Locator, Page } from "@playwright/test";
import { addMember, answers, ask, begun, call, composer, ended } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { type Key, ja, words } from "./words";

// Conversations that are kept nowhere, and what administrators decide about them.

const button = (scope: Page | Locator, key: Key, values = {}) => scope.getByRole("button", { name: ja(key, values), exact: true });
const theSwitch = (page: Page) => page.getByRole("switch", { name: ja("chat.temporary.title") });
/** What is pressed is the label: the control itself is drawn by it. */
const turn = (page: Page) => page.locator("label").filter({ has: theSwitch(page) }).click();
const secret = "極秘の合併案";

test("a temporary conversation is on its page and nowhere else", async ({ workplace, page }) => {
  const eye = new Inspector(page, "ja", [/^計画\.csv$/]);
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.method() !== "GET") asked.push(new URL(request.url()).pathname);
  });

  await test.step("begin, with words that were drafted before", async () => {
    await composer(page).fill(`[[reason]] [[say ${secret}の答え]] ${secret}`);
    await expect.poll(() => page.evaluate(() => JSON.stringify(localStorage))).toContain(secret); // a draft is kept, until
    await turn(page);
    await expect(page).toHaveURL(`${workplace.url}/temporary`);
    await expect(composer(page)).toHaveValue(`[[reason]] [[say ${secret}の答え]] ${secret}`);
    await expect(theSwitch(page)).toBeChecked();
    await eye.look("before a temporary conversation");
    await button(page, "chat.send").click();
    await ended(answers(page).first());
    await expect(answers(page).first()).toContainText(`${secret}の答え`);
    await expect(page.getByText(ja("chat.temporary.banner"))).toBeVisible();
  });

  await test.step("go on with a file, stop, try again, and see an error", async () => {
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button(page, "chat.attachFile").click()]);
    await chooser.setFiles({ name: "計画.csv", mimeType: "text/csv", buffer: Buffer.from(`[[rate 10]] [[long 400]]\n${secret}の表`) });
    await expect(page.getByRole("list", { name: ja("chat.attachments") }).getByText("計画.csv")).toBeVisible();
    const answer = await ask(page, secret);
    await begun(answer, 5);
    await button(page, "chat.stop").click();
    await expect(answer.getByText(ja("chat.stopped"))).toBeVisible();
    await eye.look("a temporary conversation");
    await button(answer, "chat.tryAgain").click();
    await begun(answer, 5);
    await button(page, "chat.stop").click();
    await expect(answer.getByText(ja("chat.stopped"))).toBeVisible();
    const failed = await ask(page, `[[denied]] ${secret}`);
    await expect(failed.getByText(ja("errors.model_access_denied.what"))).toBeVisible();
    await expect(answers(page)).toHaveCount(3);
  });

  await test.step("nothing of it is anywhere", async () => {
    await composer(page).fill(`${secret}の書きかけ`);
    expect((await call(page.request, workplace, "GET", "/conversations")).items).toEqual([]);
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }))).not.toContain(secret);
    expect(workplace.holding("庁内モデル")).not.toEqual([]); // what is kept is found so
    expect(workplace.holding(secret)).toEqual([]);
    expect([...new Set(asked)]).toEqual(["/api/v1/temporary/turns"]);
  });

  await test.step("leaving asks first, and so does the browser", async () => {
    await page.getByRole("link", { name: ja("frame.prompts") }).click();
    const dialog = page.getByRole("alertdialog");
    await expect(dialog).toContainText(ja("chat.temporary.leaveTitle"));
    await eye.look("the question before leaving");
    await dialog.getByRole("button", { name: ja("ui.cancel") }).click();
    await expect(answers(page)).toHaveCount(3);
    const questions: string[] = [];
    page.once("dialog", (question) => {
      questions.push(question.type());
      void question.accept();
    });
    await page.reload();
    expect(questions).toEqual(["beforeunload"]);
    await expect(page.getByText(ja("chat.temporary.intro"))).toBeVisible();
    await expect(composer(page)).toHaveValue("");
  });

  await test.step("come back by a key and by the palette", async () => {
    await page.goto(workplace.url);
    await expect(theSwitch(page)).toBeVisible();
    await page.locator("body").press("Tab");
    await page.keyboard.press("Control+k");
    await page.getByRole("option", { name: ja("frame.startTemporary") }).click();
    await expect(page).toHaveURL(`${workplace.url}/temporary`);
    await turn(page);
    await expect(page).toHaveURL(`${workplace.url}/`);
  });
});

test("administrators decide whether conversations are kept", async ({ workplace, page, visit }) => {
  const eye = new Inspector(page, "ja", [/^MB$/]);
  const member = await visit();
  await addMember(workplace, page.request, member.request, "佐藤 次郎", "sato@example.jp");
  const choice = (key: "allowed" | "off" | "enforced") => page.locator("label").filter({ has: page.getByRole("radio", { name: ja(`admin.chat.${key}`) }) });

  await test.step("not at all temporary", async () => {
    await page.goto(`${workplace.url}/admin/chat`);
    await expect(page.getByText(ja("admin.settings.neverChanged"))).toBeVisible();
    await choice("off").click();
    await page.getByLabel(ja("admin.chat.perTurn")).fill("3");
    await page.keyboard.press("Tab");
    await expect(page.getByText(ja("admin.chat.offEffect"))).toBeVisible(); // what it will do is said before
    await eye.look("the policy of conversations");
    await button(page, "common.save").click();
    await expect(page.getByText(new RegExp(ja("admin.settings.lastChanged", { name: "管理 花子", time: ".+" })))).toBeVisible();
    await member.page.goto(workplace.url);
    await expect(composer(member.page)).toBeVisible();
    await expect(button(member.page, "chat.modelNamed", { name: "庁内モデル" })).toBeVisible();
    await expect(theSwitch(member.page)).toHaveCount(0);
    await member.page.goto(`${workplace.url}/temporary`);
    await expect(member.page.getByText(ja("chat.temporary.off"))).toBeVisible();
  });

  await test.step("somebody else was faster", async () => {
    await page.getByLabel(ja("admin.chat.perTurn")).fill("5");
    await page.keyboard.press("Tab");
    await call(page.request, workplace, "PUT", "/admin/settings/chat", { temporary: "allowed", attachmentsPerTurn: 2, version: 1 });
    await button(page, "common.save").click();
    await expect(page.getByText(ja("admin.chat.theirsAndMine", { theirs: ja("admin.chat.files", { count: 2 }), mine: ja("admin.chat.files", { count: 5 }) }))).toBeVisible();
    await expect(page.getByLabel(ja("admin.chat.perTurn"))).toHaveValue("5"); // nothing is lost
    await eye.look("a policy that somebody else changed");
    await button(page, "admin.settings.keepMine").click();
    await button(page, "common.save").click();
    await expect.poll(async () => (await call(page.request, workplace, "GET", "/admin/settings/chat")).version).toBe(3);
    expect(await call(page.request, workplace, "GET", "/admin/settings/chat")).toMatchObject({ temporary: "allowed", attachmentsPerTurn: 5 }); // what was not touched here is theirs
  });

  await test.step("nothing but temporary", async () => {
    const before = await call(member.request, workplace, "POST", "/conversations", { turn: { text: "[[say 前の答え]] 前の依頼" } });
    await choice("enforced").click();
    await button(page, "common.save").click();
    await expect.poll(async () => (await call(page.request, workplace, "GET", "/limits")).temporary).toBe("enforced");
    await member.page.goto(workplace.url);
    await expect(member.page).toHaveURL(`${workplace.url}/temporary`);
    await expect(member.page.getByText(ja("chat.temporary.enforced"))).toBeVisible();
    await ended(await ask(member.page, "[[say 残らない答え]] 頼み"));
    await expect(answers(member.page).first()).toContainText("残らない答え");
    await member.page.locator(`a[href="/c/${before.conversation.id}"]`).first().click();
    await member.page.getByRole("alertdialog").getByRole("button", { name: ja("chat.temporary.leaveAct") }).click();
    await expect(member.page.getByText("前の答え").last()).toBeVisible();
    await expect(member.page.getByRole("link", { name: ja("chat.temporary.start") })).toBeVisible();
    const refused = await member.request.fetch(`${workplace.url}/api/v1/conversations`, { method: "POST", data: { turn: { text: "x" } }, headers: { origin: workplace.url } });
    expect((await refused.json()).code).toBe("temporary_policy");
  });

  await test.step("in English", async () => {
    const en = words("en");
    await call(page.request, workplace, "PATCH", "/me/preferences", { locale: "en" });
    await page.reload();
    await expect(page.getByRole("heading", { level: 1, name: en("admin.chat.title") })).toBeVisible();
    await page.locator("label").filter({ has: page.getByRole("radio", { name: en("admin.chat.allowed") }) }).click();
    await expect(page.getByText(en("admin.chat.allowedEffect"))).toBeVisible();
    await new Inspector(page, "en", [/管/, /^MB$/]).look("the policy of conversations");
  });
});
