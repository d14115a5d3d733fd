import type { Locator, Page } from "@playwright/test";
import { admin, answers, ask, begun, call, composer, connectModel, conversationId, ended, setUp } from "./kakoi";
import { expect, test } from "./fixtures";
import { ja } from "./words";

/** Goes on with Tab until the element has the focus, as a person without a mouse would. */
async function tabTo(page: Page, target: Locator, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  await expect(target).toBeVisible();
  for (let presses = 0; presses < 80; presses++) {
    if (await target.evaluate((el) => el === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${target} is not reached by ${key}`);
}

/** That the focus has not fallen back to the page. */
async function focusIsSomewhere(page: Page): Promise<void> {
  await expect.poll(() => page.evaluate(() => document.activeElement !== null && document.activeElement !== document.body)).toBe(true);
}

/** Opens the menu at a button and takes one of its acts by the arrow keys. */
async function takeFrom(page: Page, button: Locator, item: string, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  await tabTo(page, button, key);
  await page.keyboard.press("Enter");
  const wanted = page.getByRole("menuitem", { name: item, exact: true });
  await expect(wanted).toBeVisible();
  for (let presses = 0; presses < 20; presses++) {
    if (await wanted.evaluate((el) => el === document.activeElement)) break;
    await page.keyboard.press("ArrowDown");
  }
  await expect(wanted).toBeFocused();
  await page.keyboard.press("Enter");
}

const row = (page: Page, id: string) => page.getByRole("navigation", { name: ja("frame.main") }).locator(`a[href="/c/${id}"]`);

test("everything of a day is done by keys alone", async ({ server, page, fakes, visit }) => {
  const other = await visit();
  await setUp(server, other.request);
  await connectModel(server, other.request, fakes.openai, "fake-large", "庁内モデル");
  await page.goto(server.url);

  const first = await test.step("sign in and ask", async () => {
    await tabTo(page, page.getByLabel(ja("account.email")));
    await page.keyboard.type(admin.email);
    await tabTo(page, page.getByLabel(ja("account.password"), { exact: true }));
    await page.keyboard.type(admin.password);
    await page.keyboard.press("Enter");
    await expect(composer(page)).toBeFocused();
    await page.keyboard.type("一つめのお願い");
    await page.keyboard.press("Enter");
    await ended(answers(page));
    return conversationId(page);
  });

  const second = await test.step("begin another conversation and stop its answer", async () => {
    await tabTo(page, page.getByRole("link", { name: ja("frame.newConversation") }));
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(`${server.url}/`);
    await tabTo(page, composer(page));
    await page.keyboard.type("[[long 2000]] 二つめのお願い");
    await page.keyboard.press("Enter");
    await begun(answers(page));
    await tabTo(page, page.getByRole("button", { name: ja("chat.stop") }));
    await page.keyboard.press("Enter");
    await expect(page.getByText(ja("chat.stopped"))).toBeVisible();
    await focusIsSomewhere(page);
    return conversationId(page);
  });

  await test.step("go to the other conversation and back", async () => {
    await tabTo(page, row(page, first));
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`/c/${first}$`));
    await expect(answers(page)).toContainText("一つめのお願い");
    await tabTo(page, row(page, second));
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`/c/${second}$`));
  });

  await test.step("find a conversation by Ctrl+K", async () => {
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("dialog", { name: ja("frame.paletteLabel") })).toBeVisible();
    const listed = page.getByRole("option");
    await expect(listed.first()).toBeVisible();
    const { items } = await call(page.request, server, "GET", "/conversations");
    const title = items.find((item: { id: string }) => item.id === first).title as string;
    await page.keyboard.type(title);
    await expect(listed).toHaveCount(2); // the conversation, which is chosen, and the way to search everywhere
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`/c/${first}(\\?|$)`));
  });

  await test.step("give a conversation another name, from the history and from its page", async () => {
    await tabTo(page, row(page, first));
    await page.keyboard.press("F2");
    await expect(page.getByRole("textbox", { name: ja("chat.title") })).toBeFocused();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("防災訓練");
    await page.keyboard.press("Enter");
    await expect(row(page, first)).toContainText("防災訓練");
    await focusIsSomewhere(page);
    await takeFrom(page, page.getByRole("button", { name: ja("chat.conversationActs") }), ja("chat.rename"));
    const field = page.getByRole("dialog").getByRole("textbox", { name: ja("chat.title") });
    await expect(field).toBeFocused();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("秋の防災訓練");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("秋の防災訓練");
    await expect.poll(async () => (await call(page.request, server, "GET", `/conversations/${first}`)).title).toBe("秋の防災訓練");
    await focusIsSomewhere(page);
  });

  await test.step("delete a conversation, take it back, and delete it", async () => {
    await tabTo(page, row(page, second));
    await page.keyboard.press("Delete");
    await expect(row(page, second)).toHaveCount(0);
    await tabTo(page, page.getByRole("button", { name: ja("ui.undo") }));
    await page.keyboard.press("Enter");
    await tabTo(page, row(page, second));
    await page.keyboard.press("Delete");
    await expect(row(page, second)).toHaveCount(0);
    const gone = async () => (await page.request.get(`${server.url}/api/v1/conversations/${second}`)).status();
    await tabTo(page, page.getByRole("region", { name: ja("ui.notifications") }).getByRole("button", { name: ja("ui.close") }));
    await page.keyboard.press("Enter");
    await expect.poll(gone).toBe(404);
    await focusIsSomewhere(page);
  });

  await test.step("open the settings and change one", async () => {
    await takeFrom(page, page.getByRole("button", { name: admin.name }), ja("frame.settings"));
    await expect(page.getByRole("heading", { level: 1, name: ja("account.settings") })).toBeVisible();
    const dark = page.getByRole("radiogroup", { name: ja("frame.theme") }).getByRole("radio");
    await tabTo(page, dark.first());
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await expect(dark.nth(2)).toBeChecked();
    await expect.poll(async () => (await call(page.request, server, "GET", "/me")).preferences.theme).toBe("dark");
  });

  await test.step("sign out", async () => {
    await takeFrom(page, page.getByRole("button", { name: admin.name }), ja("frame.signOut"), "Shift+Tab");
    await expect(page).toHaveURL(/\/sign-in/);
    expect((await page.request.get(`${server.url}/api/v1/me`)).status()).toBe(401);
  });
});

test("the first key leads past the navigation", async ({ workplace, page }) => {
  await page.goto(`${workplace.url}/settings`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: ja("frame.skip") })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.querySelector("main")!.contains(document.activeElement))).toBe(true);
});

test("Ctrl+Enter sends where a person wants that, and Enter begins a line", async ({ workplace, page }) => {
  await page.goto(`${workplace.url}/settings`);
  await page.locator("label").filter({ hasText: ja("account.sendCtrlEnter") }).click();
  await expect.poll(async () => (await call(page.request, workplace, "GET", "/me")).preferences.sendKey).toBe("ctrlEnter");
  await page.goto(workplace.url);
  await composer(page).focus();
  await page.keyboard.type("一行め");
  await page.keyboard.press("Enter");
  await page.keyboard.type("二行め");
  await expect(composer(page)).toHaveValue("一行め\n二行め");
  await expect(page).not.toHaveURL(/\/c\//);
  await page.keyboard.press("Control+Enter");
  await ended(answers(page));
  const conversation = await conversationId(page);
  const { items } = await call(page.request, workplace, "GET", `/conversations/${conversation}/messages`);
  expect(items[0].parts[0].text).toBe("一行め\n二行め");
});

test("Shift+Enter begins a line where Enter sends", async ({ workplace, page }) => {
  expect(workplace.url).toBeTruthy();
  await composer(page).focus();
  await page.keyboard.type("一行め");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("二行め");
  await expect(composer(page)).toHaveValue("一行め\n二行め");
  await page.keyboard.press("Enter");
  await ended(answers(page));
});

test("what is written stays over a reload, in each conversation its own", async ({ workplace, page }) => {
  await composer(page).fill("まだ送らない下書き");
  await page.reload();
  await expect(composer(page)).toHaveValue("まだ送らない下書き");
  await composer(page).fill("");
  await ended(await ask(page, "会話を始めます"));
  const conversation = await conversationId(page);
  await composer(page).fill("この会話の下書き");
  await page.getByRole("link", { name: ja("frame.newConversation") }).click();
  await expect(composer(page)).toHaveValue("");
  await composer(page).fill("新しい会話の下書き");
  await row(page, conversation).click();
  await expect(composer(page)).toHaveValue("この会話の下書き");
  await page.reload();
  await expect(composer(page)).toHaveValue("この会話の下書き");
  await page.goto(workplace.url);
  await expect(composer(page)).toHaveValue("新しい会話の下書き");
});

test.describe("composing with an IME", () => {
  /** Types kana that are still being converted when Enter comes. */
  const compose = async (page: Page, kana: string) => {
    const ime = await page.context().newCDPSession(page);
    await ime.send("Input.imeSetComposition", { text: kana, selectionStart: kana.length, selectionEnd: kana.length });
    await page.keyboard.press("Enter");
    return (text: string) => ime.send("Input.insertText", { text });
  };

  test("Enter does not send", async ({ workplace, page }) => {
    expect(workplace.url).toBeTruthy();
    await composer(page).focus();
    const convert = await compose(page, "ごみ");
    await convert("ごみの分け方");
    await expect(composer(page)).toHaveValue(/ごみの分け方/);
    await expect(page).not.toHaveURL(/\/c\//);
    await page.keyboard.press("Enter");
    await ended(answers(page));
    await expect(page.getByRole("article", { name: ja("chat.you") })).toContainText("ごみの分け方");
  });

  test("Enter does not end a new name in the history", async ({ workplace, page }) => {
    await ended(await ask(page, "名前を変える会話"));
    const conversation = await conversationId(page);
    const title = async () => (await call(page.request, workplace, "GET", `/conversations/${conversation}`)).title;
    await row(page, conversation).focus();
    await page.keyboard.press("F2");
    const inHistory = page.getByRole("textbox", { name: ja("chat.title") });
    await expect(inHistory).toBeFocused();
    await page.keyboard.press("Control+a");
    const convert = await compose(page, "さいがい");
    await expect(inHistory).toBeFocused();
    await convert("災害");
    await expect(inHistory).toHaveValue(/災害/);
    await page.keyboard.press("Enter");
    await expect.poll(title).toContain("災害");
  });
});
