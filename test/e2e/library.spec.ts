import type { Locator, Page } from "@playwright/test";
import { addMember, answers, ask, call, composer, ended } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { type Key, ja } from "./words";

// What is written once and used often, what is looked at beside an answer, and
// what people think of answers.

const button = (scope: Page | Locator, key: Key, values = {}) => scope.getByRole("button", { name: ja(key, values), exact: true });
const field = (scope: Page | Locator, key: Key) => scope.getByRole("textbox", { name: ja(key), exact: false });

test("a prompt is saved, used by a slash with its variables, edited, and put back", async ({ workplace, page }) => {
  const eye = new Inspector(page, "ja", [/^\/[\w-]+$/]);
  await page.getByRole("link", { name: ja("frame.prompts") }).click();
  await expect(page.getByRole("heading", { level: 1, name: ja("library.title") })).toBeVisible();
  await expect(page.getByRole("table").getByRole("row")).not.toHaveCount(1); // the starter set
  await eye.look("the library");

  const dialog = page.getByRole("dialog");
  await test.step("save", async () => {
    await button(page, "library.add").click();
    await field(dialog, "library.name").fill("督促のお願い");
    await dialog.getByRole("textbox", { name: ja("library.body"), exact: true }).fill("{{宛先}}様あての督促状を、{{期限:date}}を期限として、{{敬称:choice:丁寧に|簡潔に}}書いてください。");
    await expect(dialog.getByText(ja("library.types.date"))).toBeVisible(); // what it asks for, as the server reads it
    await field(dialog, "library.command").fill("とくそく");
    await button(dialog, "common.save").click();
    await expect(dialog).toHaveCount(0);
    await expect(page.getByRole("complementary", { name: "督促のお願い" })).toBeVisible();
  });

  await test.step("use it by a slash, with an input method", async () => {
    await page.goto(workplace.url);
    const box = composer(page);
    await box.focus();
    const keys = await page.context().newCDPSession(page);
    await page.keyboard.type("/");
    await expect(page.getByRole("option").first()).toBeVisible();
    await keys.send("Input.imeSetComposition", { text: "とくそく", selectionStart: 4, selectionEnd: 4 });
    await expect(page.getByRole("option")).toHaveCount(1);
    await box.dispatchEvent("keydown", { key: "Enter", keyCode: 229, isComposing: true });
    await expect(dialog).toHaveCount(0); // the Enter that ends a composition chooses nothing
    await keys.send("Input.insertText", { text: "とくそく" });
    await eye.look("the menu of prompts");
    await page.keyboard.press("Enter");
    await expect(dialog).toBeVisible();
    await button(dialog, "library.insert").click();
    await expect(dialog.getByText(ja("common.required")).first()).toBeVisible(); // what is missing is told
    await eye.look("the variables of a prompt");
    await dialog.getByLabel("宛先").fill("緑野建設");
    await dialog.getByLabel("期限").fill("2026-12-25");
    await dialog.getByRole("button", { name: /敬称/ }).click();
    await page.getByRole("option", { name: "簡潔に" }).click();
    await button(dialog, "library.insert").click();
    await expect(box).toHaveValue("緑野建設様あての督促状を、2026年12月25日を期限として、簡潔に書いてください。");
    await expect(box).toBeFocused();
    await expect(page).toHaveURL(`${workplace.url}/`); // nothing was sent
    // The first key after that is the person's.
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    await expect(box).toHaveValue("");
  });

  await test.step("an edit is a version, and an old one comes back", async () => {
    await page.goto(`${workplace.url}/prompts?scope=mine`);
    await page.getByRole("button", { name: "督促のお願い" }).click();
    const panel = page.getByRole("complementary", { name: "督促のお願い" });
    await button(panel, "common.edit").click();
    await dialog.getByRole("textbox", { name: ja("library.body"), exact: true }).fill("{{宛先}}様あての文書を書いてください。");
    await button(dialog, "common.save").click();
    await expect(dialog).toHaveCount(0);
    await expect(panel.getByText(ja("library.versionNumber", { number: 2 }))).toBeVisible();
    await button(panel, "library.versionShow", { number: 1 }).click();
    await expect(panel.getByText("督促状を")).toBeVisible();
    await button(panel, "library.restore").click();
    await expect(panel.getByText(ja("library.versionNumber", { number: 3 }))).toBeVisible();
    await expect(panel.getByRole("region", { name: ja("library.body") }).first()).toContainText("督促状を");
  });

  await test.step("put it away, and take that back", async () => {
    const row = page.getByRole("table").getByRole("button", { name: "督促のお願い" });
    await button(page, "library.acts").click();
    await page.getByRole("menuitem", { name: ja("library.archive") }).click();
    await expect(row).toHaveCount(0);
    await button(page, "ui.undo").click();
    await expect(row).toBeVisible();
  });
});

test("instructions of the library begin a conversation and are kept from one", async ({ workplace, page }) => {
  await call(page.request, workplace, "POST", "/prompts", { kind: "system", name: "広報の文体", body: "やさしい日本語で答えます。" });
  await page.goto(`${workplace.url}/prompts?scope=mine`);
  await page.getByRole("button", { name: "広報の文体" }).click();
  await expect(page.getByRole("region", { name: ja("library.body") })).toContainText("やさしい日本語");
  await new Inspector(page, "ja").look("a prompt");
  await button(page, "library.use").click();
  await expect(page.getByText(ja("library.startsWith"))).toBeVisible();
  await button(page, "chat.settingsTitle").click();
  const dialog = page.getByRole("dialog", { name: ja("chat.settingsTitle") });
  await expect(field(dialog, "chat.systemPrompt")).toHaveValue("やさしい日本語で答えます。");
  await field(dialog, "chat.systemPrompt").fill("短く答えます。");
  await button(dialog, "library.saveAs").click();
  const save = page.getByRole("dialog", { name: ja("library.newTitle") });
  await field(save, "library.name").fill("短い答え");
  await button(save, "common.save").click();
  await expect(save).toHaveCount(0);
  await button(dialog, "library.choose").click();
  await page.getByRole("option", { name: /広報の文体/ }).click();
  await expect(field(dialog, "chat.systemPrompt")).toHaveValue("やさしい日本語で答えます。");
  await button(dialog, "common.save").click();
  const answer = await ask(page, "よろしくお願いします");
  await ended(answer);
  const { items } = await call(page.request, workplace, "GET", "/conversations");
  expect((await call(page.request, workplace, "GET", `/conversations/${items[0].id}`)).systemPrompt).toBe("やさしい日本語で答えます。");
});

test("blocks of an answer open beside it, and a page in it reaches nothing", async ({ workplace: _, page, complaints }) => {
  const eye = new Inspector(page, "ja", [/^(HTML|SVG|PNG|CSV|flowchart|graph|mermaid)/i]);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  const html = [
    "<h1>お知らせ</h1><p style='color:green'>本文です</p><img src='/leak.png'><img src=x onerror=\"fetch('/leak-onerror')\">",
    "<script>parent.document.title='leak';fetch('/leak-fetch');top.location='/leak-top'</script>",
    "<form action='/leak-form'><button>送る</button></form><iframe src='/leak-frame'></iframe><meta http-equiv='refresh' content='0;url=/leak-refresh'><a href='/leak-link'>次へ</a>",
  ].join("\n");
  const said = ["```mermaid", "flowchart LR", "  受付 --> 審査 --> 通知", "```", "", "```html", html, "```", "", "| 月 | 申請 |", "|---|---|", "| 4月 | 12 |", "| 5月 | 18 |", "", "```chart", "type: bar", "申請の数,申請", "4月,12", "5月,18", "```"].join("\n");
  const answer = await ask(page, `お知らせの案を図と表で見せてください。\n[[say ${said}]]`);
  await ended(answer);

  const beside = (kind: "diagram" | "html" | "table" | "chart" | "svg") => page.getByRole("complementary", { name: ja(`markdown.${kind}`), exact: true });
  const open = (block: Locator) => button(block, "markdown.beside").click();
  const frames = answer.locator("figure");

  await test.step("a diagram", async () => {
    // Drawn when it is seen; the end of the answer may be all there is, and what has ended is drawn anew.
    await expect(() => frames.first().scrollIntoViewIfNeeded({ timeout: 1_000 })).toPass();
    const figure = frames.filter({ has: page.getByRole("img", { name: ja("markdown.diagram") }) });
    await open(figure.first());
    const panel = beside("diagram");
    await expect(panel.getByRole("img")).toBeVisible();
    await expect(button(panel, "ui.closeNamed", { name: ja("markdown.diagram") })).toBeFocused();
    await eye.look("a diagram beside the answer");
    const width = (await panel.getByRole("img").boundingBox())?.width ?? 0;
    for (let i = 0; i < 3; i++) await button(panel, "markdown.larger").click();
    await expect.poll(async () => (await panel.getByRole("img").boundingBox())?.width).toBeGreaterThan(width * 1.4);
    for (const [key, type] of [["markdown.svg", "<svg"], ["markdown.png", "\x89PNG"]] as const) {
      const [file] = await Promise.all([page.waitForEvent("download"), button(panel, key).click()]);
      const chunks: Buffer[] = [];
      for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks).toString("latin1")).toContain(type);
    }
    await panel.getByRole("tab", { name: ja("markdown.source") }).click();
    await expect(panel.getByText("flowchart LR")).toBeVisible();
    const edge = panel.getByRole("separator");
    const before = Number(await edge.getAttribute("aria-valuenow"));
    await edge.press("ArrowLeft");
    expect(Number(await edge.getAttribute("aria-valuenow"))).toBeGreaterThan(before);
    await page.keyboard.press("Escape");
    await expect(panel).toHaveCount(0);
    await expect(button(figure.first(), "markdown.beside")).toBeFocused();
  });

  await test.step("a page of HTML", async () => {
    await button(answer, "markdown.preview").click();
    const frame = beside("html").frameLocator("iframe");
    await expect(frame.getByRole("heading", { name: "お知らせ" })).toBeVisible();
    await expect(frame.getByText("本文です")).toHaveCSS("color", "rgb(0, 128, 0)");
    await frame.getByRole("button", { name: "送る" }).click();
    await frame.getByText("次へ").click();
    await expect(frame.getByRole("heading", { name: "お知らせ" })).toBeVisible();
    await page.waitForTimeout(500); // for what must not come
    expect(asked.filter((url) => url.includes("leak"))).toEqual([]);
    await expect(page).not.toHaveTitle(/leak/);
    // Even a script that ran there would have no way out.
    const inside = page.frames().find((f) => f.url().endsWith("/sandbox/preview.html"));
    expect(
      await inside?.evaluate(async () => ({
        origin: self.origin,
        parent: (() => {
          try {
            return typeof parent.document.title;
          } catch {
            return "refused";
          }
        })(),
      })),
    ).toEqual({ origin: "null", parent: "refused" });
    await eye.look("a page beside the answer");
    // The browser notes that the policy refused the page's own handler, as it should.
    const others = complaints.lines.filter((line) => !/inline event handler.*\/sandbox\/preview/s.test(line));
    complaints.lines.splice(0, complaints.lines.length, ...others);
  });

  await test.step("a table, also as a chart, and a chart with its table", async () => {
    await open(frames.filter({ has: page.getByRole("table") }).first());
    const table = beside("table");
    await expect(table.getByRole("cell", { name: "18" })).toBeVisible();
    const [book] = await Promise.all([page.waitForEvent("download"), button(table, "markdown.tableWorkbook").click()]);
    expect(book.suggestedFilename()).toMatch(/\.xlsx$/);
    const packed: Buffer[] = [];
    for await (const chunk of await book.createReadStream()) packed.push(chunk as Buffer);
    expect(Buffer.concat(packed).subarray(0, 2).toString()).toBe("PK");
    await table.getByRole("tab", { name: ja("markdown.chart") }).click();
    await expect(table.getByRole("img")).toBeVisible();
    await open(frames.filter({ has: page.getByText("申請の数") }).first());
    const chart = beside("chart");
    await chart.getByRole("radio", { name: ja("markdown.pie") }).check({ force: true });
    await expect(chart.getByRole("img", { name: /申請の数/ })).toBeVisible();
    await eye.look("a chart beside the answer");
    await chart.getByRole("tab", { name: ja("markdown.table") }).click();
    await expect(chart.getByRole("cell", { name: "12" })).toBeVisible();
  });
});

test("the administrator sees what people think, and what they chose to show", async ({ workplace, page, visit }) => {
  const eye = new Inspector(page, "ja", [/^fake-/]);
  const member = await visit();
  await addMember(workplace, page.request, member.request, "佐藤 次郎", "sato@example.jp");
  await member.page.goto(workplace.url);
  const conversation = async (text: string) => {
    await member.page.goto(workplace.url);
    await ended(await ask(member.page, text));
    const { items } = await call(member.request, workplace, "GET", "/conversations");
    return (await call(member.request, workplace, "GET", `/conversations/${items[0].id}/messages`)).items.at(-1).id as string;
  };
  const first = await conversation("[[say 締切は3月です]] 締切はいつですか");
  const second = await conversation("秘密の相談です");
  await call(member.request, workplace, "PUT", `/messages/${first}/feedback`, { rating: "bad", reasons: ["inaccurate"], comment: "締切が違います", shareContent: true });
  await call(member.request, workplace, "PUT", `/messages/${second}/feedback`, { rating: "good" });

  await page.goto(`${workplace.url}/admin/feedback`);
  const rows = page.getByRole("table").locator("tbody tr");
  await expect(rows).toHaveCount(2);
  await eye.look("what people think");
  await button(page, "feedback.rating").click();
  await page.getByRole("menuitemradio", { name: ja("feedback.bad") }).click();
  await expect(rows).toHaveCount(1);
  await expect(page).toHaveURL(/rating=bad/);
  await page.reload();
  await expect(rows).toHaveCount(1); // the filter stands in the address
  await rows.first().click();
  const panel = page.getByRole("complementary", { name: ja("feedback.panelBad") });
  await expect(panel.getByText("締切が違います")).toBeVisible();
  await expect(panel.getByText("締切は3月です").first()).toBeVisible();
  await eye.look("one opinion");
  await button(page, "feedback.export").click();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: new RegExp(ja("feedback.csv").replace(/[()（）]/g, ".")) }).click()]);
  expect(file.suggestedFilename()).toMatch(/^feedback-.*\.csv$/);

  await page.goto(`${workplace.url}/admin/feedback?rating=good`);
  await rows.first().click();
  await expect(page.getByText(ja("feedback.notShared"))).toBeVisible();
  await expect(page.getByText("秘密の相談です")).toHaveCount(0);
});

test("keys do what their list says, and nothing while one writes", async ({ workplace, page }) => {
  await expect(composer(page)).toBeFocused();
  await page.keyboard.type("?n");
  await expect(composer(page)).toHaveValue("?n");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await composer(page).fill("");
  await ended(await ask(page, "[[say 短い答えです]]"));
  await page.getByRole("heading", { level: 1 }).click(); // away from the field
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.keyboard.press("?");
  const list = page.getByRole("dialog", { name: ja("shortcuts.title") });
  await expect(list).toBeVisible();
  await new Inspector(page, "ja", [/^(N|C|Ctrl)$/]).look("the keys");
  await page.keyboard.press("Escape");
  await expect(list).toHaveCount(0);
  await page.keyboard.press("/");
  await expect(composer(page)).toBeFocused();
  await expect(composer(page)).toHaveValue("");
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.keyboard.press("n");
  await expect(page).toHaveURL(`${workplace.url}/`);
  await expect(answers(page)).toHaveCount(0); // the address is there before the page
  await ask(page, "[[slow]] [[long 400]] 長いお願いです");
  await expect(answers(page)).toHaveAttribute("aria-busy", "true");
  await page.keyboard.press("Control+.");
  await expect(page.getByText(ja("chat.stopped"))).toBeVisible();
});
