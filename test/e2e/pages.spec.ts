import type { Locator, Page } from "@playwright/test";
import { admin, answers, ask, attach, begun, call, composer, connectModel, ended, memberPassword, png, setUp } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { type Key, words } from "./words";

// Every page and what opens on it, in Japanese in the light and in English in
// the dark: nothing that keeps somebody out, nothing untranslated, nothing in
// the console.

const people = {
  ja: { admin: "管理 花子", member: "佐藤 次郎", other: "鈴木 一郎", group: "総務課", folder: "議会", tag: "至急", prompt: "督促のお願い", blank: "宛先", model: "庁内モデル", second: "控えのモデル", words: "来月の会議の案内を書いてください" },
  en: { admin: "Hanako Kanri", member: "Jiro Sato", other: "Ichiro Suzuki", group: "General Affairs", folder: "Council", tag: "Urgent", prompt: "Kind reminder", blank: "Addressee", model: "House model", second: "Spare model", words: "Write an invitation to the meeting next month" },
};

/** What the tests enter, and what the fakes say. */
const data = [/^fake-(large|light)$/, /^(fake-large|fake-light)(、|, )/, /^poster\.png$/, /^notes\.txt/, /^X-Department$/, /^-----BEGIN CERTIFICATE-----$/, /^ap-|^us-|^eu-/, /^127\.0\.0\.1/, /^Mozilla\/5\.0 /, /^[\w-]{8,}-[\w-]+$/, /^\/[\w-]+$/, /^(folder|tag|model|before|after):/, /^(HTML|SVG|PNG|CSV)$/, /^mermaid( \| Kakoi)?$/, /^For example: 令和/, /^(N|C|K|Ctrl)$/, /^(PDF|HTML|JSON)$/, /^arn:aws:/, /^(JP|kakoi|department)$/, /^\{\w+\}$/, /^(global\.|jp\.)?anthropic\./];

for (const locale of ["ja", "en"] as const) {
  test.describe(locale, () => {
    test.use({ locale: locale === "ja" ? "ja-JP" : "en-GB", colorScheme: locale === "ja" ? "light" : "dark", contextOptions: { reducedMotion: "reduce" } });
    const t = words(locale);
    const who = people[locale];
    const button = (scope: Page | Locator, key: Key, values = {}) => scope.getByRole("button", { name: t(key, values), exact: true });
    const dialog = (page: Page) => page.getByRole("dialog").or(page.getByRole("alertdialog").filter({ has: page.getByRole("heading") }));
    const escape = async (page: Page, gone: Locator) => {
      await page.keyboard.press("Escape");
      await expect(gone).toHaveCount(0);
    };

    /** Signs the administrator in, who speaks this language, with two models. */
    const furnish = async (page: Page, server: Parameters<typeof setUp>[0], openai: string) => {
      await setUp(server, page.request, locale, who.admin);
      const model = await connectModel(server, page.request, openai, "fake-large", who.model);
      await connectModel(server, page.request, openai, "fake-light", who.second, { vision: false });
      return model;
    };

    /** Opens the menu of the conversation in a row of the history, and what is chosen there. */
    const fromRow = async (page: Page, title: string, key: Key) => {
      await page.getByRole("main").getByRole("button", { name: t("history.actsNamed", { title }) }).click();
      await page.getByRole("menuitem", { name: t(key), exact: true }).click();
      await expect(dialog(page)).toBeVisible();
    };

    test(`${locale}: the pages before one is in`, async ({ server, page, visit, complaints }) => {
      const eye = new Inspector(page, locale, data);
      await page.goto(`${server.url}/sign-in`);
      await expect(page.getByText(t("account.notSetUp"))).toBeVisible();
      await eye.look("sign-in before there is anybody");
      await page.goto(`${server.url}/setup`);
      await expect(page.getByText(t("account.linkMissing"))).toBeVisible();
      await eye.look("set-up without its link");
      await page.goto(server.setupLink);
      await button(page, "account.create").click();
      await expect(page.getByText(t("common.required")).first()).toBeVisible();
      await eye.look("set-up with mistakes");

      const stranger = await visit({ locale: locale === "ja" ? "ja-JP" : "en-GB", reducedMotion: "reduce" });
      await setUp(server, stranger.request, locale, who.admin);
      const made = await call(stranger.request, server, "POST", "/admin/accounts", { name: who.member, email: "sato@example.jp" });
      await page.goto(`${server.url}/setup`);
      await expect(page.getByText(t("account.alreadySetUp"))).toBeVisible();
      await eye.look("set-up when it is done");

      await page.goto(server.url);
      const email = page.getByLabel(t("account.email"));
      const password = page.getByLabel(t("account.password"), { exact: true });
      await expect(email).toBeVisible();
      await eye.look("sign-in");
      await email.fill("sato@example.jp");
      await password.fill("not the password");
      await button(page, "account.signInAct").click();
      await expect(page.getByText(t("errors.sign_in_failed.what"))).toBeVisible();
      await eye.look("sign-in that failed");
      await password.fill(made.temporaryPassword);
      await button(page, "account.signInAct").click();
      await expect(page.getByRole("heading", { name: t("account.changePasswordTitle") })).toBeVisible();
      await eye.look("change of the first password");
      await call(page.request, server, "POST", "/me/password", { current: made.temporaryPassword, new: memberPassword });
      await call(page.request, server, "PATCH", "/me/preferences", { locale });
      await page.goto(`${server.url}/admin/accounts`);
      await expect(page.getByText(t("frame.forbidden"))).toBeVisible();
      await eye.look("administration, to a member");
      await page.goto(`${server.url}/nowhere`);
      await expect(page.getByText(t("frame.notFound"))).toBeVisible();
      await eye.look("an address that leads nowhere");
      await page.goto(server.url);
      await expect(composer(page, t)).toBeVisible();
      await eye.look("the first page of a member, with the demonstration only");
      // Who is not signed in, and a wrong password: the server's answers, which a browser notes.
      expect(complaints.lines.filter((line) => !/status of 401 .*\/api\/v1\/(me|sign-in)\)/.test(line))).toEqual([]);
    });

    test(`${locale}: the workplace`, async ({ server, page, fakes, complaints }) => {
      test.setTimeout(480_000);
      const eye = new Inspector(page, locale, data);
      await setUp(server, page.request, locale, who.admin);
      await page.goto(server.url);
      await expect(page.getByText(t("chat.onlyDemo"))).toBeVisible();
      await eye.look("the first page, with the demonstration only");
      await connectModel(server, page.request, fakes.openai, "fake-large", who.model);
      await connectModel(server, page.request, fakes.openai, "fake-light", who.second, { vision: false });
      await page.reload();
      await page.getByRole("button", { name: t("chat.modelNamed", { name: "" }).trim() }).click();
      await page.getByRole("menuitemradio", { name: who.model }).hover();
      await eye.look("the choice of a model");
      await page.getByRole("menuitemradio", { name: who.model }).click();
      await button(page, "chat.settingsTitle").click();
      await expect(dialog(page)).toBeVisible();
      await eye.look("the settings of a conversation");
      await escape(page, dialog(page));
      await attach(page, "poster.png", png(40, 30), t);
      await composer(page, t).fill(who.words);
      await eye.look("words and a picture, not yet sent");

      await ended(await ask(page, who.words, t));
      await ended(await ask(page, `[[markdown]] [[reason]] ${who.words}`, t));
      const full = answers(page, t).last();
      await expect(full.locator("table")).toBeVisible();
      await full.getByRole("button", { expanded: false }).first().click();
      await eye.look("an answer with everything");
      await full.getByRole("button", { name: t("chat.usage"), exact: true }).click();
      await expect(dialog(page)).toBeVisible();
      await eye.look("what an answer used");
      await escape(page, dialog(page));
      await page.getByRole("button", { name: who.model, exact: false }).last().click();
      await expect(page.getByRole("dialog", { name: t("chat.whereTitle") })).toBeVisible();
      await eye.look("where the words go");
      await escape(page, dialog(page));
      const running = await ask(page, `[[slow]] [[long 400]] ${who.words}`, t);
      await begun(running, 5);
      await composer(page, t).fill(who.words);
      await eye.look("an answer that is being written");
      await button(page, "chat.stop").click();
      await ended(running);
      await eye.look("an answer that was stopped");
      await ended(await ask(page, `[[denied]] ${who.words}`, t));
      await eye.look("an answer that failed");
      await ended(await ask(page, `[[length]] ${who.words}`, t));
      await eye.look("an answer that was cut by its length");
      await button(page, "chat.conversationActs").click();
      await expect(page.getByRole("menu")).toBeVisible();
      await eye.look("what can be done with a conversation");
      await page.getByRole("menuitem", { name: t("chat.rename") }).click();
      await expect(page.getByRole("dialog", { name: t("chat.rename") })).toBeVisible();
      await eye.look("another name for a conversation");
      await escape(page, dialog(page));
      const row = page.getByRole("navigation").getByRole("listitem").first();
      await row.hover();
      await row.getByRole("button").click();
      await expect(page.getByRole("menu")).toBeVisible();
      await eye.look("what can be done with a row of the history");
      await page.getByRole("menuitem", { name: t("chat.rename") }).click();
      await expect(page.getByRole("textbox", { name: t("chat.title") })).toBeFocused();
      await eye.look("another name in the history");
      await page.keyboard.press("Escape");

      await page.keyboard.press("Control+k");
      await expect(page.getByRole("searchbox", { name: t("frame.paletteLabel") }).or(page.getByRole("combobox", { name: t("frame.paletteLabel") }))).toBeVisible();
      await eye.look("search");
      await page.keyboard.type("zzzz");
      await expect(page.getByText(t("frame.paletteSearchAll", { q: "zzzz" }))).toBeVisible();
      await eye.look("search that finds nothing");
      await page.keyboard.press("Control+a");
      await page.keyboard.press("Delete");
      await escape(page, dialog(page));
      await page.getByRole("button", { name: who.admin }).click();
      await expect(page.getByRole("menu")).toBeVisible();
      await eye.look("the menu of the account");
      await escape(page, page.getByRole("menu"));
      await page.goto(server.url);
      await expect(page.getByText(t("chat.recent"))).toBeVisible();
      await eye.look("the first page, with conversations");

      await page.goto(`${server.url}/settings`);
      await expect(page.getByText(t("account.sessionCurrent"), { exact: true })).toBeVisible();
      await eye.look("settings");
      await page.getByRole("button", { name: t("account.defaultModel") }).click();
      await expect(page.getByRole("listbox")).toBeVisible();
      await eye.look("the choice of the first model");
      await escape(page, page.getByRole("listbox"));
      await button(page, "account.everywhere").click();
      await expect(page.getByRole("heading", { name: t("account.everywhereTitle") })).toBeVisible();
      await eye.look("signing out everywhere");
      await escape(page, dialog(page));
      expect(complaints.lines).toEqual([]);

      await page.goto(`${server.url}/c/01900000-0000-7000-8000-000000000000`);
      await expect(page.getByText(t("chat.notFound"))).toBeVisible();
      await eye.look("a conversation that is not there");
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(server.url);
      await button(page, "ui.openSide").click();
      await expect(dialog(page)).toBeVisible();
      await eye.look("the side of a phone");
    });

    test(`${locale}: what is one's own`, async ({ server, page, fakes, complaints }) => {
      test.setTimeout(480_000);
      const eye = new Inspector(page, locale, data);
      await furnish(page, server, fakes.openai);

      const empty = async () => {
        await page.goto(`${server.url}/history`);
        await expect(page.getByRole("main").getByText(t("history.empty"))).toBeVisible();
        await eye.look("the history, nothing yet");
        await page.goto(`${server.url}/search`);
        await expect(page.getByRole("heading", { name: t("history.operators") })).toBeVisible();
        await eye.look("how to search");
        await page.goto(`${server.url}/admin/feedback`);
        await expect(page.getByText(t("feedback.empty"))).toBeVisible();
        await eye.look("what people think, nothing yet");
      };

      const long = `${who.words} `.repeat(12).slice(0, 100).trim();
      const history = async () => {
        const folder = await call(page.request, server, "POST", "/folders", { name: who.folder });
        const { conversation } = await call(page.request, server, "POST", "/conversations", { turn: { text: who.words } });
        await call(page.request, server, "PATCH", `/conversations/${conversation.id}`, { title: long, folderId: folder.id, pinned: true, tags: Array.from({ length: 20 }, (_, i) => `${who.tag} ${i}`) });
        await page.goto(`${server.url}/history`);
        const box = page.getByRole("checkbox", { name: t("ui.selectNamed", { name: long }) });
        await box.click({ force: true });
        await expect(page.getByRole("toolbar", { name: t("history.chosenActs") })).toBeVisible();
        await eye.look("the history, one chosen");
        await box.click({ force: true });
        for (const [act, what] of [["history.move", "moving to a folder"], ["history.tagsAct", "the tags of a conversation"], ["history.exportAct", "exporting"]] as const) {
          await fromRow(page, long, act);
          await eye.look(what);
          await escape(page, dialog(page));
        }
        await page.goto(`${server.url}/history?q=zzzz`);
        await expect(page.getByText(t("history.noneFound"))).toBeVisible();
        await eye.look("the history, none found");
        await page.goto(`${server.url}/search?q=${encodeURIComponent(who.words.slice(0, 5))}`);
        await expect(page.locator("mark").first()).toBeVisible();
        await eye.look("a search");
        await page.goto(`${server.url}/search?q=zzzz`);
        await expect(page.getByText(t("history.searchNone", { q: "zzzz" }))).toBeVisible();
        await eye.look("a search that finds nothing");
        await page.goto(`${server.url}/folders/${folder.id}`);
        await expect(page.getByRole("main").getByRole("link", { name: long })).toBeVisible();
        await expect.poll(() => page.getByRole("main").evaluate((main) => main.scrollWidth - main.clientWidth)).toBeLessThanOrEqual(0);
        await eye.look("a folder");
        await page.getByRole("main").getByRole("button", { name: t("history.folderActs"), exact: true }).click();
        await page.getByRole("menuitem", { name: t("history.deleteFolderMenu") }).click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("deleting a folder");
        await escape(page, dialog(page));
        await page.getByRole("navigation").getByRole("button", { name: t("history.newFolder") }).click();
        await button(dialog(page), "history.createFolder").click();
        await expect(dialog(page).getByText(t("common.required"))).toBeVisible();
        await eye.look("a new folder, with a mistake");
        await escape(page, dialog(page));
        await page.keyboard.press("Control+k");
        await page.keyboard.insertText(who.words.slice(0, 5));
        await expect(page.getByRole("option").locator("mark").first()).toBeVisible();
        await eye.look("what Ctrl K found");
        await page.keyboard.press("Escape"); // empties the field first
        await escape(page, dialog(page));
      };

      const prompts = async () => {
        const made = await call(page.request, server, "POST", "/prompts", { kind: "system", name: who.prompt, body: `{{${who.blank}}} {{${who.tag}:date}}`, locale });
        await page.goto(`${server.url}/prompts?id=${made.id}`);
        const panel = page.getByRole("complementary", { name: who.prompt });
        await expect(panel).toBeVisible();
        await eye.look("a prompt");
        await button(panel, "library.use").click();
        await button(dialog(page), "library.use").click();
        await expect(dialog(page).getByText(t("common.required")).first()).toBeVisible();
        await eye.look("the blanks of a prompt, with mistakes");
        await escape(page, dialog(page));
        await button(panel, "common.edit").click();
        await expect(dialog(page).getByText(t("library.types.date"), { exact: true }).first()).toBeVisible();
        await eye.look("editing a prompt");
        await escape(page, dialog(page));
        await page.goto(`${server.url}/prompts?q=zzzz`);
        await expect(page.getByText(t("library.noMatch"))).toBeVisible();
        await eye.look("prompts, none found");
        await page.goto(server.url);
        await composer(page, t).pressSequentially("/");
        await expect(page.getByRole("option").first()).toBeVisible();
        await eye.look("the menu of prompts");
        await composer(page, t).fill("");
        await call(page.request, server, "PATCH", "/me/preferences", { defaultPromptId: made.id });
      };

      const settings = async () => {
        await page.goto(`${server.url}/settings`);
        await expect(page.getByText(t("library.firstAsks"))).toBeVisible();
        await page.getByText(t("account.compact"), { exact: true }).click();
        if (locale === "ja") await page.getByText(t("account.era"), { exact: true }).click();
        await eye.look("settings, chosen");
        await button(page, "library.firstChange").click();
        await expect(dialog(page).getByRole("option").first()).toBeVisible();
        await eye.look("the choice of the first instructions");
        await escape(page, dialog(page));
        await button(page, "account.mineDelete").click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("deleting everything");
        await escape(page, dialog(page));
        await button(page, "shortcuts.show").click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("the keys");
        await escape(page, dialog(page));
        await page.goto(server.url);
        await expect(page.getByText(t("library.startsAsks", { name: who.prompt }))).toBeVisible();
        await eye.look("the first page, whose instructions have blanks");
        await call(page.request, server, "PATCH", "/me/preferences", { defaultPromptId: "" });
      };

      const answer = async () => {
        await page.goto(server.url);
        const said = ["```mermaid", "flowchart LR", "  A --> B", "```", "", "| 1 | 2 |", "|---|---|", "| 3 | 4 |"].join("\n");
        const whole = await ask(page, `${who.words}\n[[say ${said}]]`, t);
        await ended(whole);
        await expect(whole.getByRole("img", { name: t("markdown.diagram") })).toBeVisible();
        for (const [i, what] of ["diagram", "table"].entries()) {
          await button(whole, "markdown.beside").nth(i).click();
          await expect(page.getByRole("complementary", { name: t(`markdown.${what as "table"}`), exact: true })).toBeVisible();
          await eye.look(`a ${what} beside the answer`);
        }
        await page.keyboard.press("Escape");
        await button(whole, "chat.bad").click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("what was not good");
        await button(dialog(page), "chat.feedbackSend").click();
        await expect(dialog(page)).toHaveCount(0);
        await page.getByRole("article", { name: t("chat.you") }).last().hover();
        await button(page, "chat.editQuestion").click();
        await expect(page.getByRole("textbox", { name: t("chat.editField") })).toBeFocused();
        await eye.look("a question being rewritten");
        await page.keyboard.press("Escape");
        const running = await ask(page, `[[slow]] [[long 400]] ${who.words}`, t);
        await begun(running, 5);
        await composer(page, t).fill(who.words);
        await composer(page, t).press("Enter");
        await expect(page.getByRole("button", { name: t("chat.queueRemove") })).toBeVisible();
        await eye.look("a request that waits");
        await button(page, "chat.stop").click();
        await ended(running);
        await eye.look("requests that are held");
        await page.goto(`${server.url}/admin/feedback`);
        await page.getByRole("table").getByRole("button").last().click();
        await expect(page.getByRole("complementary", { name: t("feedback.panelBad") })).toBeVisible();
        await eye.look("what people think, one of it");
        await page.goto(`${server.url}/admin/feedback?q=zzzz`);
        await expect(page.getByText(t("feedback.noMatch"))).toBeVisible();
        await eye.look("what people think, none found");
        await page.goto(server.url);
        await page.getByRole("button", { name: t("chat.modelNamed", { name: "" }).trim() }).click();
        await page.getByRole("menuitem", { name: t("chat.compare") }).click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("the choice of models to compare");
        await dialog(page).locator("label", { hasText: who.second }).click();
        await button(dialog(page), "chat.compareStart").click();
        await composer(page, t).fill(who.words);
        await button(page, "chat.send").click();
        await expect(page.getByRole("region", { name: t("chat.compared") })).toBeVisible();
        for (const one of await answers(page, t).all()) await ended(one);
        await eye.look("answers side by side");
      };

      await empty();
      await history();
      await prompts();
      await settings();
      await answer();
      expect(complaints.lines).toEqual([]);
    });

    test(`${locale}: the administration`, async ({ server, page, fakes, complaints }) => {
      test.setTimeout(480_000);
      const eye = new Inspector(page, locale, data);
      await furnish(page, server, fakes.openai);
      const group = async () => {
        await page.goto(`${server.url}/admin/groups`);
        await expect(page.getByText(t("admin.groups.empty"))).toBeVisible();
        await eye.look("groups, none yet");
        await button(page, "admin.groups.add").click();
        await button(dialog(page), "admin.groups.addAct").click();
        await expect(page.getByText(t("common.required"))).toBeVisible();
        await eye.look("a new group, with a mistake");
        await dialog(page).getByLabel(t("admin.groups.name")).fill(who.group);
        await button(dialog(page), "admin.groups.addAct").click();
        await expect(page.getByRole("heading", { name: who.group })).toBeVisible();
        await page.getByRole("searchbox", { name: t("admin.accounts.search") }).fill(who.admin.slice(0, 2));
        await page.getByRole("button", { name: t("admin.groups.addNamed", { name: who.admin }) }).click();
        await expect(page.getByRole("button", { name: t("admin.groups.removeNamed", { name: who.admin }) })).toBeVisible();
        await eye.look("a group");
        await button(page, "common.delete").click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("deleting a group");
        await escape(page, dialog(page));
      };

      const accounts = async () => {
        await page.goto(`${server.url}/admin/accounts`);
        await button(page, "admin.accounts.add").click();
        await button(dialog(page), "admin.accounts.addAct").click();
        await expect(page.getByText(t("common.required")).first()).toBeVisible();
        await eye.look("a new account, with mistakes");
        await dialog(page).getByLabel(t("admin.accounts.name"), { exact: true }).fill(who.member);
        await dialog(page).getByLabel(t("admin.accounts.email")).fill("sato@example.jp");
        await button(dialog(page), "admin.accounts.addAct").click();
        await expect(page.getByRole("heading", { name: t("admin.accounts.passwordTitle", { name: who.member }) })).toBeVisible();
        await eye.look("a temporary password");
        await button(page, "admin.accounts.passwordDone").click();
        await expect(page.getByRole("heading", { name: who.member })).toBeVisible();
        await eye.look("an account");
        await button(page, "admin.accounts.resetPassword").click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("a new temporary password");
        await escape(page, dialog(page));
        await button(page, "common.edit").click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("editing an account");
        await escape(page, dialog(page));
        await button(page, "admin.accounts.disable").click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("stopping an account");
        await button(dialog(page), "admin.accounts.disable").click();
        await expect(dialog(page)).toHaveCount(0);
        await page.goto(`${server.url}/admin/accounts`);
        await expect(page.getByRole("row")).toHaveCount(3);
        await page.getByRole("row").nth(1).locator("label").click();
        await expect(page.getByRole("region", { name: t("admin.accounts.bulk") })).toBeVisible();
        await eye.look("accounts, one chosen");
        await page.goto(`${server.url}/admin/accounts?q=zzzz`);
        await expect(page.getByText(t("admin.accounts.noMatch"))).toBeVisible();
        await eye.look("accounts, none found");
        await page.getByRole("button", { name: t("admin.accounts.state") }).click();
        await expect(page.getByRole("menu").or(page.getByRole("listbox"))).toBeVisible();
        await eye.look("a filter");
      };

      const places = async () => {
        await page.goto(`${server.url}/admin/residency`);
        await expect(page.getByRole("list", { name: t("admin.residency.effects") })).toContainText(t("admin.residency.allowed"));
        await button(page, "admin.residency.addRule").click();
        await button(dialog(page), "admin.residency.otherRegions").click();
        await button(dialog(page), "admin.residency.addAct").click();
        await expect(dialog(page).getByText(t("common.required"))).toBeVisible();
        await eye.look("a new rule, with a mistake");
        await escape(page, dialog(page));
        await page.getByRole("combobox", { name: t("admin.residency.modelId") }).fill("global.anthropic.claude-sonnet-4-6");
        await page.keyboard.press("Tab");
        await button(page, "admin.residency.ask").click();
        await expect(page.getByRole("status", { name: t("admin.residency.result") })).toContainText(t("admin.residency.anywhere"));
        await page.getByText(t("admin.residency.openHint")).click();
        await expect(page.getByText(t("admin.residency.openWarning"))).toBeVisible();
        await eye.look("the permitted places, about to be opened");
      };

      const connections = async () => {
        await page.goto(`${server.url}/admin/connections`);
        await expect(page.getByRole("row")).toHaveCount(4);
        await eye.look("connections");
        await button(page, "admin.connections.add").click();
        await expect(page.getByText(t("admin.connections.openaiHint"))).toBeVisible();
        await eye.look("kinds of connections");
        await page.getByRole("button", { name: t("admin.connections.openaiHint") }).click();
        await button(page, "admin.connections.more").click();
        await button(page, "admin.connections.headerAdd").click();
        await dialog(page).getByLabel(t("admin.connections.name"), { exact: true }).fill("Office");
        await dialog(page).getByLabel(t("admin.connections.baseUrl")).fill("http://127.0.0.1:9/v1");
        await button(page, "admin.connections.check").click();
        await expect(page.getByText(t("admin.connections.checkFailed"))).toBeVisible();
        await eye.look("a new connection, tried in vain");
        await button(page, "common.back").click();
        await page.getByRole("button", { name: t("admin.connections.bedrockHint") }).click();
        await dialog(page).getByText(t("admin.connections.credentialsStatic"), { exact: true }).click();
        await button(page, "admin.connections.roleAdd").click();
        await button(page, "admin.connections.roleMore").click();
        await button(page, "admin.connections.tagAdd").click();
        await button(page, "admin.connections.more").click();
        await button(page, "admin.connections.addAct").click();
        await expect(dialog(page).getByText(t("common.required")).first()).toBeVisible();
        await expect(dialog(page).getByText(t("admin.connections.refused.arn"))).toBeVisible();
        await eye.look("a new connection to Bedrock, with mistakes");
        await button(page, "common.back").click();
        await page.getByRole("button", { name: t("admin.connections.demoHint") }).click();
        await expect(page.getByText(t("admin.connections.demoBody"))).toBeVisible();
        await eye.look("a new demonstration");
        await escape(page, dialog(page));
        await page.getByRole("button", { name: who.model }).click();
        await button(page, "admin.connections.check").click();
        await expect(page.getByText(t("admin.connections.checkPassed"))).toBeVisible();
        await eye.look("a connection, tried");
        await button(page, "common.edit").click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("editing a connection");
        await escape(page, dialog(page));
        await button(page, "common.delete").click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("deleting a connection");
        await escape(page, dialog(page));
      };

      const models = async () => {
        await page.goto(`${server.url}/admin/models`);
        await expect(page.getByRole("row")).toHaveCount(4);
        await eye.look("models");
        await page.getByRole("button", { name: who.model, exact: true }).click();
        await expect(page.getByRole("heading", { name: who.model })).toBeVisible();
        await eye.look("a model");
        await button(page, "common.edit").click();
        await dialog(page).getByText(t("admin.models.onlyGroups"), { exact: true }).click();
        await dialog(page).getByText(t("admin.models.yen"), { exact: true }).click();
        await button(dialog(page), "common.save").click();
        await expect(dialog(page).getByText(t("admin.models.chooseGroup"))).toBeVisible();
        await eye.look("editing a model, with a mistake");
        await escape(page, dialog(page));
        await button(page, "common.delete").click();
        await expect(dialog(page)).toBeVisible();
        await eye.look("taking a model away");
        await escape(page, dialog(page));
        await button(page, "admin.models.add").click();
        await expect(dialog(page)).toBeVisible();
        await expect(dialog(page).getByRole("checkbox").first()).toBeAttached();
        await eye.look("more models");
        await escape(page, dialog(page));
      };

      await group();
      await accounts();
      await connections();
      await places();
      await models();
      await page.goto(`${server.url}/admin/status`);
      await expect(page.getByText(t("admin.status.storeOk"))).toBeVisible();
      await eye.look("how the server is");
      await page.goto(`${server.url}/admin/doctor`);
      await expect(page.getByText(t("doctor.empty"))).toBeVisible();
      await eye.look("the doctor before it has examined");
      await page.goto(`${server.url}/admin/egress`);
      await expect(page.getByText(/^sha256:[0-9a-f]{64}$/)).toBeVisible();
      await eye.look("what left");
      await button(page, "egress.export").click();
      await expect(page.getByRole("menuitem", { name: t("egress.signed") })).toBeVisible();
      await eye.look("taking the record of it along");
      expect(complaints.lines).toEqual([]);
    });
  });
}
