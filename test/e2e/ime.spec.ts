import type { Locator, Page } from "@playwright/test";
import { addMember, answers, ask, call, composer, conversationId, convert, ended } from "./kakoi";
import { expect, test } from "./fixtures";
import { type Key, ja } from "./words";

// Japanese is written by an input method, whose Enter ends a conversion: it
// sends nothing, saves nothing, chooses nothing, wherever one writes. The field
// for editing a question has its test in branches.spec.ts, the slash in
// library.spec.ts, the people of a share in share.spec.ts, tags and new folders
// in history.spec.ts.

const button = (where: Page | Locator, key: Key, values = {}) => where.getByRole("button", { name: ja(key, values), exact: true });

/** Writes kana, ends the conversion, and sees that the field still has the words and what it stands in is still there. */
async function written(page: Page, field: Locator, kana: string, text: string): Promise<void> {
  await expect(field).toBeFocused();
  await page.keyboard.press("Control+a");
  const becomes = await convert(page, kana);
  await expect(field).toBeFocused();
  await expect(field).toHaveValue(kana);
  await becomes(text);
  await expect(field).toHaveValue(text);
}

test("Enter of a conversion does not send", async ({ workplace: _, page }) => {
  await composer(page).focus();
  await written(page, composer(page), "ごみ", "ごみの分け方");
  await expect(page).not.toHaveURL(/\/c\//);
  await page.keyboard.press("Enter");
  await ended(answers(page));
  await expect(page.getByRole("article", { name: ja("chat.you") })).toContainText("ごみの分け方");
});

test("Enter of a conversion does not end a name", async ({ workplace, page }) => {
  const dialog = page.getByRole("dialog");
  await ended(await ask(page, "名前を変える会話"));
  const conversation = await conversationId(page);
  const title = async () => (await call(page.request, workplace, "GET", `/conversations/${conversation}`)).title;
  const side = page.getByRole("navigation", { name: ja("frame.main") });

  await test.step("of a conversation, in the history and on its page", async () => {
    await side.locator(`a[href="/c/${conversation}"]`).focus();
    await page.keyboard.press("F2");
    await written(page, side.getByRole("textbox", { name: ja("chat.title") }), "さいがい", "災害");
    await page.keyboard.press("Enter");
    await expect.poll(title).toBe("災害");
    await button(page, "chat.conversationActs").click();
    await page.getByRole("menuitem", { name: ja("chat.rename") }).click();
    await written(page, dialog.getByRole("textbox", { name: ja("chat.title") }), "ぼうさい", "防災");
    await page.keyboard.press("Enter");
    await expect(dialog).toHaveCount(0);
    await expect.poll(title).toBe("防災");
  });

  await test.step("of a folder", async () => {
    const folder = await call(page.request, workplace, "POST", "/folders", { name: "まだ" });
    await page.goto(`${workplace.url}/folders/${folder.id}`);
    await button(page.getByRole("main"), "history.folderActs").click();
    await page.getByRole("menuitem", { name: ja("history.rename") }).click();
    await written(page, dialog.getByRole("textbox", { name: ja("history.folderName") }), "よさん", "予算");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("予算");
  });

  await test.step("of a prompt, and what it asks for", async () => {
    await page.goto(`${workplace.url}/prompts?scope=mine`);
    await button(page, "library.add").first().click();
    const name = dialog.getByRole("textbox", { name: ja("library.name"), exact: true });
    await dialog.getByRole("textbox", { name: ja("library.body"), exact: true }).fill("{{宛先}}様");
    await name.focus();
    await written(page, name, "とくそく", "督促");
    await page.keyboard.press("Enter");
    await expect(dialog).toHaveCount(0);
    await button(page.getByRole("complementary", { name: "督促" }), "library.use").click();
    await written(page, dialog.getByRole("textbox", { name: "宛先" }), "みどりの", "緑野");
    await page.keyboard.press("Enter");
    await expect(composer(page)).toHaveValue("緑野様");
  });

  await test.step("of a group and of an account", async () => {
    await page.goto(`${workplace.url}/admin/groups`);
    await button(page, "admin.groups.add").click();
    await written(page, dialog.getByRole("textbox", { name: ja("admin.groups.name") }), "そうむ", "総務課");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("complementary", { name: "総務課" })).toBeVisible();
    await page.goto(`${workplace.url}/admin/accounts`);
    await button(page, "admin.accounts.add").click();
    await dialog.getByLabel(ja("admin.accounts.email")).fill("sato@example.jp");
    const name = dialog.getByLabel(ja("admin.accounts.name"), { exact: true });
    await name.focus();
    await written(page, name, "さとう", "佐藤");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: ja("admin.accounts.passwordTitle", { name: "佐藤" }) })).toBeVisible();
  });
});

test("half a conversion searches nothing", async ({ workplace, page, visit }) => {
  await addMember(workplace, page.request, (await visit()).request, "予算 太郎", "yosan@example.jp");
  await call(page.request, workplace, "POST", "/prompts", { kind: "message", name: "予算の説明", body: "予算を説明してください" });
  await ended(await ask(page, "予算について"));
  const { id } = (await call(page.request, workplace, "GET", "/conversations")).items[0];
  await call(page.request, workplace, "PATCH", `/conversations/${id}`, { title: "予算の相談" });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(decodeURIComponent(request.url())));

  /** Writes in a field that narrows; half a conversion changes nothing, the whole one finds. */
  const narrows = async (field: Locator, found: Locator) => {
    await field.focus();
    await expect(field).toBeFocused();
    const becomes = await convert(page, "よさ");
    await expect(field).toHaveValue("よさ");
    await page.waitForTimeout(500); // for what must not come
    expect(asked.filter((url) => url.includes("よさ"))).toEqual([]);
    expect(decodeURIComponent(page.url())).not.toContain("よさ");
    await becomes("予算");
    await expect(field).toHaveValue("予算");
    await expect(found).toBeVisible();
  };
  const search = (key: Key) => page.getByRole("searchbox", { name: ja(key) });
  const main = page.getByRole("main");

  await page.goto(`${workplace.url}/history`);
  await expect(main.getByRole("link", { name: "予算の相談" })).toBeVisible();
  await narrows(search("history.findTitle"), main.getByText(ja("history.findBodies", { q: "予算" })));
  await page.goto(`${workplace.url}/search`);
  await narrows(search("history.searchLabel"), page.getByRole("list", { name: ja("history.searchResults") }).getByRole("link").first());
  await page.goto(`${workplace.url}/prompts`);
  await narrows(search("library.search"), main.getByText("予算の説明"));
  await page.goto(`${workplace.url}/admin/accounts`);
  await narrows(search("admin.accounts.search"), main.getByRole("button", { name: "予算 太郎" }));
  await page.keyboard.press("Control+k");
  await narrows(page.getByRole("dialog").getByRole("searchbox").or(page.getByRole("dialog").getByRole("combobox")), page.getByRole("option", { name: /予算の相談/ }).first());
});
