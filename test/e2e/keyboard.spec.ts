import type { Locator, Page } from "@playwright/test";
import { admin, answers, ask, begun, call, composer, connectModel, conversationId, ended, png, setUp } from "./kakoi";
import { expect, test } from "./fixtures";
import { type Key, ja } from "./words";

/** Goes on with Tab until the element has the focus, as a person without a mouse would. */
async function tabTo(page: Page, target: Locator, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  await expect(target).toBeVisible();
  for (let presses = 0; presses < 80; presses++) {
    if (await target.evaluate((el) => el === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${target} is not reached by ${key}`);
}

/** That the focus has not fallen back to the page, and is seen: on what has it, or on the box around that. */
async function focusIsSeen(page: Page): Promise<void> {
  const seen = () =>
    page.evaluate(() => {
      const at = document.activeElement;
      if (!at || at === document.body) return "nowhere";
      // A box is drawn round the field in it, a square or a dot in the place of its hidden field.
      const faces = [at, at.parentElement!, ...Array.from(at.closest("label")?.querySelectorAll("[aria-hidden]") ?? [])];
      const drawn = faces.some((face, i) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(face);
        return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || (i > 0 && boxShadow !== "none");
      });
      return drawn ? "seen" : `not seen on ${at.outerHTML.slice(0, 200)}`;
    });
  await expect.poll(seen).toBe("seen");
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

/** Goes through a group of choices with the arrows until one is taken. */
async function pick(page: Page, group: string, choice: string): Promise<void> {
  const radios = page.getByRole("radiogroup", { name: group }).getByRole("radio");
  await tabTo(page, radios.and(page.locator(":checked")).or(radios.first()).first());
  const wanted = page.getByRole("radiogroup", { name: group }).getByRole("radio", { name: choice });
  for (let presses = 0; presses < 10 && !(await wanted.isChecked()); presses++) await page.keyboard.press("ArrowDown");
  await expect(wanted).toBeChecked();
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
    await focusIsSeen(page);
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
    await focusIsSeen(page);
    await takeFrom(page, page.getByRole("button", { name: ja("chat.conversationActs") }), ja("chat.rename"));
    const field = page.getByRole("dialog").getByRole("textbox", { name: ja("chat.title") });
    await expect(field).toBeFocused();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("秋の防災訓練");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("秋の防災訓練");
    await expect.poll(async () => (await call(page.request, server, "GET", `/conversations/${first}`)).title).toBe("秋の防災訓練");
    await focusIsSeen(page);
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
    await focusIsSeen(page);
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

test("what is done with a conversation is done by keys alone", async ({ workplace, page, context, fakes }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await connectModel(workplace, page.request, fakes.openai, "fake-light", "控えのモデル");
  await page.reload();
  const named = (key: Key, values = {}) => page.getByRole("button", { name: ja(key, values), exact: true });
  const dialog = page.getByRole("dialog");
  const acts = named("chat.conversationActs");
  const conversation = (): Promise<any> => conversationId(page).then((id) => call(page.request, workplace, "GET", `/conversations/${id}`));
  /** Takes an act of the conversation; the focus comes back to where it was taken. */
  const organise = async (key: Key, then?: () => Promise<void>) => {
    await takeFrom(page, acts, ja(key), "Shift+Tab");
    await then?.();
    await expect(dialog).toHaveCount(0);
    await expect(acts).toBeFocused();
    await focusIsSeen(page);
  };
  const press = async (target: Locator, key?: "Shift+Tab") => {
    await tabTo(page, target, key);
    await focusIsSeen(page);
    await page.keyboard.press("Enter");
  };

  await test.step("attach a file and ask", async () => {
    await expect(composer(page)).toBeFocused();
    await focusIsSeen(page);
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), press(named("chat.attachFile"))]);
    await chooser.setFiles({ name: "図.png", mimeType: "image/png", buffer: png(20, 20) });
    await expect(page.getByRole("list", { name: ja("chat.attachments") }).getByText("図.png")).toBeVisible();
    await tabTo(page, composer(page), "Shift+Tab");
    await page.keyboard.type("[[say 最初の答え]] 元の依頼");
    await page.keyboard.press("Enter");
    await ended(answers(page));
    await expect(composer(page)).toBeFocused();
  });

  await test.step("copy the answer", async () => {
    await press(page.getByRole("button", { name: ja("chat.copyAnswer") }), "Shift+Tab");
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain("最初の答え");
  });

  await test.step("ask for the answer again, and read the one before", async () => {
    await press(named("chat.regenerate"));
    await page.keyboard.press("Enter"); // the first of the menu: the same model
    await expect(page.getByText("2/2")).toBeVisible();
    await ended(answers(page));
    await focusIsSeen(page);
    await press(named("chat.siblingBefore"), "Shift+Tab");
    await expect(page.getByText("1/2")).toBeVisible();
    await focusIsSeen(page);
  });

  await test.step("write the question otherwise", async () => {
    await press(named("chat.editQuestion"), "Shift+Tab");
    await expect(page.getByRole("textbox", { name: ja("chat.editField") })).toBeFocused();
    await focusIsSeen(page);
    await page.keyboard.press("Control+a");
    await page.keyboard.type("[[say 直した答え]] 直した依頼");
    await page.keyboard.press("Enter");
    await expect(answers(page)).toContainText("直した答え");
    await ended(answers(page));
    await focusIsSeen(page);
  });

  await test.step("change the model", async () => {
    const before = (await conversation()).modelId;
    const button = page.getByRole("button", { name: ja("chat.modelNamed", { name: "庁内モデル" }) });
    await press(button, "Shift+Tab");
    const wanted = page.getByRole("menuitemradio", { name: /控えのモデル/ });
    await expect(wanted).toBeVisible();
    while (!(await wanted.evaluate((el) => el === document.activeElement))) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("button", { name: ja("chat.modelNamed", { name: "控えのモデル" }) })).toBeFocused();
    await expect.poll(async () => (await conversation()).modelId).not.toBe(before);
  });

  await test.step("pin, tag and put into a folder", async () => {
    await tabTo(page, acts);
    await organise("history.pin");
    await expect.poll(async () => (await conversation()).pinned).toBe(true);
    await organise("history.tagsAct", async () => {
      await expect(page.getByRole("textbox", { name: ja("history.tagNew") })).toBeFocused();
      await page.keyboard.type("議会");
      await page.keyboard.press("Enter");
      await press(dialog.getByRole("button", { name: ja("common.save"), exact: true }));
    });
    await expect.poll(async () => (await conversation()).tags).toEqual(["議会"]);
    await organise("history.move", async () => {
      await press(dialog.getByRole("button", { name: ja("history.newFolder") }));
      await expect(page.getByRole("textbox", { name: ja("history.folderName") })).toBeFocused();
      await page.keyboard.type("答弁");
      await page.keyboard.press("Enter");
    });
    await expect.poll(async () => Boolean((await conversation()).folderId)).toBe(true);
  });

  await test.step("write it to a file", async () => {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      organise("history.exportAct", async () => {
        await pick(page, ja("history.exportFormat"), ja("history.format.pdf"));
        await press(dialog.getByRole("button", { name: ja("history.exportAct"), exact: true }));
      }),
    ]);
    expect(file.suggestedFilename()).toMatch(/\.pdf$/);
  });

  await test.step("share it", async () => {
    await press(page.getByRole("button", { name: ja("share.share"), exact: true }), "Shift+Tab");
    await pick(page, ja("share.who"), ja("share.everyone"));
    await press(dialog.getByRole("button", { name: ja("share.share"), exact: true }));
    await expect(dialog.getByText(ja("share.created"))).toBeVisible();
    await focusIsSeen(page);
    await press(dialog.getByRole("button", { name: ja("share.copyLink") }));
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toMatch(/\/shared\/[\w-]+$/);
    await page.keyboard.press("Escape");
    await expect(dialog).toHaveCount(0);
    await expect(page.getByRole("button", { name: ja("share.sharedNowShow") })).toBeFocused();
  });

  await test.step("put it away", async () => {
    await tabTo(page, acts);
    await organise("history.archive");
    await expect.poll(async () => (await conversation()).archived).toBe(true);
  });

  await test.step("find what was said, and go there", async () => {
    const id = await conversationId(page);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("直した答え");
    await expect(page.getByRole("option", { name: new RegExp(ja("frame.paletteSearchAll", { q: "直した答え" })) })).toBeVisible();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/search\?/);
    await press(page.getByRole("list", { name: ja("history.searchResults") }).getByRole("link").first());
    await expect(page).toHaveURL(new RegExp(`/c/${id}\\?message=`));
    await expect(page.locator("[data-found]")).toContainText("直した");
  });

  await test.step("begin with a prompt of the library", async () => {
    await tabTo(page, page.getByRole("link", { name: ja("frame.newConversation") }), "Shift+Tab");
    await page.keyboard.press("Enter");
    await expect(composer(page)).toBeFocused();
    await page.keyboard.type("/");
    await expect(page.getByRole("option").first()).toBeVisible();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect(dialog).toBeVisible();
    await focusIsSeen(page);
    await page.keyboard.press("Escape");
    await expect(composer(page)).toBeFocused();
  });

  await test.step("look at the keys", async () => {
    await tabTo(page, page.getByRole("link", { name: ja("frame.newConversation") }), "Shift+Tab");
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog", { name: ja("shortcuts.title") })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("link", { name: ja("frame.newConversation") })).toBeFocused();
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
