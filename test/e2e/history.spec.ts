import type { Page } from "@playwright/test";
import { ask, call, composer, conversationId, convert, ended } from "./kakoi";
import { expect, test } from "./fixtures";
import { ja } from "./words";

/** Begins conversations by the API and returns their ids. */
async function conversations(page: Page, server: Parameters<typeof call>[1], titles: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const title of titles) {
    const { conversation } = await call(page.request, server, "POST", "/conversations", { turn: { text: title } });
    await call(page.request, server, "PATCH", `/conversations/${conversation.id}`, { title });
    ids.push(conversation.id);
  }
  // An answer that ends moves its conversation to the top, away from under a click.
  await expect.poll(async () => (await call(page.request, server, "GET", "/conversations")).items.some((one: { running: boolean }) => one.running)).toBe(false);
  return ids;
}

/** Writes a text by an input method, whose Enter is not the end of anything. */
async function compose(page: Page, text: string): Promise<void> {
  await (await convert(page, text))(text);
}

test("folders hold conversations and what goes with them", async ({ workplace, page }) => {
  const [budget] = await conversations(page, workplace, ["予算の相談"]);
  await page.reload();
  const side = page.getByRole("navigation", { name: ja("frame.main") });
  await side.getByRole("button", { name: ja("history.newFolder") }).click();
  const name = page.getByRole("textbox", { name: ja("history.folderName") });
  await name.focus();
  await compose(page, "令和9年度 予算");
  await expect(page.getByRole("dialog")).toBeVisible(); // the Enter of the conversion is not the end of the name
  await name.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "令和9年度 予算" })).toBeVisible();
  const folder = new URL(page.url()).pathname.split("/").pop()!;

  await page.getByRole("textbox", { name: ja("history.instructions") }).fill("千円単位で答える");
  await page.getByRole("button", { name: ja("common.save") }).click();
  await expect.poll(async () => (await call(page.request, workplace, "GET", `/folders/${folder}`)).instructions).toBe("千円単位で答える");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: ja("history.fileAdd") }).click()]);
  await chooser.setFiles({ name: "単価表.csv", mimeType: "text/csv", buffer: Buffer.from("品名,単価\n紙,500\n") });
  await expect(page.getByRole("link", { name: "単価表.csv" })).toBeVisible();

  // One moves in, one begins here.
  await side.getByRole("link", { name: "予算の相談" }).hover();
  await side.getByRole("button", { name: ja("history.actsNamed", { title: "予算の相談" }) }).click();
  await page.getByRole("menuitem", { name: ja("history.move") }).click();
  await page.getByRole("radio", { name: "令和9年度 予算" }).click({ force: true });
  await page.getByRole("button", { name: ja("history.moveAct") }).click();
  await expect(page.getByRole("main").getByRole("link", { name: "予算の相談" })).toBeVisible();
  expect((await call(page.request, workplace, "GET", `/conversations/${budget}`)).folderId).toBe(folder);
  await page.getByRole("link", { name: ja("history.newHere") }).click();
  await expect(composer(page)).toBeVisible();
  await ended(await ask(page, "要求の締め切りはいつですか"));
  expect((await call(page.request, workplace, "GET", `/conversations/${await conversationId(page)}`)).folderId).toBe(folder);
});

test("many are deleted at once and brought back, archived and tagged", async ({ workplace, page }) => {
  await conversations(page, workplace, ["一つめ", "二つめ", "三つめ"]);
  await page.goto(`${workplace.url}/history`);
  const rows = page.getByRole("main").getByRole("row");
  await expect(rows).toHaveCount(4);
  const bar = page.getByRole("toolbar", { name: ja("history.chosenActs") });
  const choose = async (name: string) => {
    const box = page.getByRole("checkbox", { name: ja("ui.selectNamed", { name }) });
    // Forced, because the box that is seen is drawn over it: so the row may still be on its way.
    await expect(async () => {
      await box.click({ force: true });
      await expect(box).toBeChecked({ timeout: 1_000 });
    }).toPass();
    await expect(bar).toBeVisible();
  };
  await choose("一つめ");
  await choose("二つめ");
  await bar.getByRole("button", { name: ja("common.delete") }).click();
  await expect(rows).toHaveCount(2);
  await expect.poll(async () => (await call(page.request, workplace, "GET", "/conversations")).items.length).toBe(1);
  await page.getByRole("button", { name: ja("ui.undo") }).click();
  await expect(rows).toHaveCount(4);

  await choose("三つめ");
  await bar.getByRole("button", { name: ja("history.tagsAdd") }).click();
  const tag = page.getByRole("textbox", { name: ja("history.tagNew") });
  await tag.focus();
  await compose(page, "議会");
  await tag.press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: ja("history.tagsAdd") }).click();
  await expect.poll(async () => (await call(page.request, workplace, "GET", "/tags")).items.map((one: { name: string }) => one.name)).toEqual(["議会"]);

  await choose("三つめ");
  await bar.getByRole("button", { name: ja("history.archive") }).click();
  await expect(rows).toHaveCount(3);
  await page.goto(`${workplace.url}/history?archived=true`);
  await expect(page.getByRole("main").getByRole("link", { name: "三つめ" })).toBeVisible();
});

test("pinning and renaming in the side", async ({ workplace, page }) => {
  await conversations(page, workplace, ["古いもの", "新しいもの"]);
  await page.reload();
  const side = page.getByRole("navigation", { name: ja("frame.main") });
  await side.getByRole("link", { name: "古いもの" }).hover();
  await side.getByRole("button", { name: ja("history.actsNamed", { title: "古いもの" }) }).click();
  await page.getByRole("menuitem", { name: ja("history.pin"), exact: true }).click();
  await expect(side.getByRole("region", { name: ja("history.pinned") }).getByRole("link", { name: "古いもの" })).toBeVisible();

  await side.getByRole("link", { name: "新しいもの" }).focus();
  await page.keyboard.press("F2");
  const field = side.getByRole("textbox", { name: ja("history.title") });
  await expect(field).toBeFocused();
  await compose(page, "決めた名前");
  await field.press("Enter");
  await expect(side.getByRole("link", { name: "決めた名前" })).toBeFocused();
});

test("a search in Japanese leads to the message", async ({ workplace, page }) => {
  await ended(await ask(page, "粗大ごみの手数料を教えてください"));
  const conversation = await conversationId(page);
  for (const text of ["一", "二", "三"]) await ended(await ask(page, `[[long 200]] 別の話 ${text}`));
  await page.goto(`${workplace.url}/search`);
  await page.getByRole("searchbox", { name: ja("history.searchLabel") }).focus();
  await compose(page, "ごみの手数料");
  const hit = page.getByRole("list", { name: ja("history.searchResults") }).getByRole("link").filter({ hasText: ja("history.saidByMe") });
  await expect(hit.locator("mark").first()).toContainText("ごみの手数料");
  await hit.first().click();
  await page.waitForURL(new RegExp(`/c/${conversation}\\?message=`));
  await expect(page.locator("[data-found]")).toContainText("粗大ごみの手数料");
  await expect(page.locator("[data-found]")).toBeInViewport();

  // Another search from elsewhere takes the place of the first, and going back brings that one.
  const words = page.getByRole("searchbox", { name: ja("history.searchLabel") });
  await page.goBack();
  await expect(words).toHaveValue("ごみの手数料");
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").getByRole("searchbox").fill("別の話");
  await page.getByRole("option", { name: ja("frame.paletteSearchAll", { q: "別の話" }) }).click();
  await expect(words).toHaveValue("別の話");
  await expect(page.getByRole("list", { name: ja("history.searchResults") })).toContainText("別の話");
  await expect.poll(() => new URL(page.url()).searchParams.get("q")).toBe("別の話");
  await page.goBack();
  await expect(words).toHaveValue("ごみの手数料");
});
