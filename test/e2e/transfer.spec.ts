import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Download, Locator, Page } from "@playwright/test";
import { type Kakoi, answers, call, png } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { part, unzip, wordsOf } from "./office";
import { ja } from "./words";

// Conversations go out as files that other programs open, and come in from other
// programs. What is in a PDF is read by the tests of internal/chat/export.

const fixtures = resolve(import.meta.dirname, "../../internal/chat/imports/testdata");

const answer = `## 補助金の額

| 区分 | 上限額 |
|:---|---:|
| LED 照明 | 300,000 |
| 空調 | =1+1 |

- 市内に**本店**を有すること

\`\`\`python
print("千円未満は切り捨て")
\`\`\`

根拠は条例[^1]です。

[^1]: 補助金等交付条例 第5条
`;

/** A conversation as Kakoi exports it, with two branches, a picture and all that a file must show. */
const sample = (id: string, title: string) => ({
  id, title, modelName: "fake-large", systemPrompt: "公用文で答える", folder: "産業振興課", tags: ["要綱"], leafId: "a2", createdAt: "2026-11-22T01:23:00Z", updatedAt: "2026-11-22T01:30:00Z",
  messages: [
    { id: "q", role: "user", at: "2026-11-22T01:23:00Z", parts: [{ kind: "file", name: "現地.png", mediaType: "image/png", data: png(64, 36).toString("base64") }, { kind: "text", text: "交付要綱の案をください" }] },
    { id: "a1", parentId: "q", role: "assistant", modelName: "一号", at: "2026-11-22T01:24:00Z", parts: [{ kind: "text", text: "はじめの案です" }] },
    { id: "a2", parentId: "q", role: "assistant", modelName: "二号", at: "2026-11-22T01:25:00Z", feedback: { rating: "good" }, parts: [{ kind: "reasoning", text: "まず趣旨を決める" }, { kind: "text", text: answer }] },
  ],
});

/** Brings conversations in by the API. */
async function bring(page: Page, server: Kakoi, ...titles: string[]): Promise<void> {
  const data = JSON.stringify({ schema: "kakoi.conversations/1", conversations: titles.map((title, i) => sample(`e2e-${i}`, title)) });
  const response = await page.request.post(`${server.url}/api/v1/imports`, { data, headers: { origin: server.url, "content-type": "application/octet-stream" } });
  expect(response.ok(), await response.text()).toBeTruthy();
}

/** What is downloaded by an act. */
async function downloaded(page: Page, act: () => Promise<unknown>): Promise<{ name: string; data: Buffer }> {
  const [file]: [Download, unknown] = await Promise.all([page.waitForEvent("download"), act()]);
  return { name: file.suggestedFilename(), data: readFileSync(await file.path()) };
}

/** Chooses a format in the dialog that is open and takes the file. */
async function exported(page: Page, format: "docx" | "pdf" | "md" | "html" | "json", prepare?: (dialog: Locator) => Promise<void>) {
  const dialog = page.getByRole("dialog", { name: ja("history.exportTitle") });
  await dialog.getByRole("radio", { name: ja(`history.format.${format}`) }).click({ force: true });
  await prepare?.(dialog);
  const file = await downloaded(page, () => dialog.getByRole("button", { name: ja("history.exportAct") }).click());
  await expect(dialog).toHaveCount(0);
  return file;
}

async function openExport(page: Page, title: string): Promise<void> {
  const side = page.getByRole("navigation", { name: ja("frame.main") });
  await side.getByRole("link", { name: title, exact: true }).hover();
  await side.getByRole("button", { name: ja("history.actsNamed", { title }) }).click();
  await page.getByRole("menuitem", { name: ja("history.exportAct") }).click();
}

/** The parts of a Word file, which must be those of the sample. */
function readWord(data: Buffer): string {
  const files = unzip(data);
  const body = part(files, "word/document.xml");
  const styles = part(files, "word/styles.xml");
  expect(body).toMatch(/<w:pStyle w:val="Heading\d"\/>/);
  expect(body).toContain("<w:tbl>");
  expect(body.match(/<w:tr[ >]/g)).toHaveLength(3);
  expect(body).toContain("<w:footnoteReference ");
  expect(body).toContain("<w:drawing>");
  expect(wordsOf(part(files, "word/footnotes.xml"))).toContain("補助金等交付条例 第5条");
  expect(styles).toMatch(/w:eastAsia="[^"]*(Gothic|ゴシック|Mincho|明朝|Meiryo|メイリオ)/);
  expect(styles).toContain('w:eastAsia="ja-JP"');
  expect([...files.keys()].some((name) => name.startsWith("word/media/"))).toBeTruthy();
  return wordsOf(body);
}

test("a conversation goes out in each format, and programs can open it", async ({ workplace, page }) => {
  await bring(page, workplace, "交付要綱の案");
  await page.reload();

  await openExport(page, "交付要綱の案");
  await new Inspector(page, "ja", [/^交付要綱の案$/]).look("the dialog of exports");
  const word = await exported(page, "docx", (dialog) => dialog.getByRole("checkbox", { name: ja("history.withReasoning") }).click({ force: true }));
  expect(word.name).toBe("2026-11-22 交付要綱の案.docx");
  const text = readWord(word.data);
  for (const words of ["交付要綱の案をください", "補助金の額", "300,000", 'print("千円未満は切り捨て")', "まず趣旨を決める", "公用文で答える"]) expect(text).toContain(words);
  expect(text).not.toContain("はじめの案です"); // on the other branch

  await openExport(page, "交付要綱の案");
  const pdf = await exported(page, "pdf");
  expect(pdf.name).toBe("2026-11-22 交付要綱の案.pdf");
  expect(pdf.data.subarray(0, 5).toString()).toBe("%PDF-");
  expect(pdf.data.subarray(-6).toString()).toContain("%%EOF");
  expect(pdf.data.toString("latin1")).toMatch(/\/Type ?\/Page\b/);

  await openExport(page, "交付要綱の案");
  const html = await exported(page, "html", (dialog) => dialog.getByRole("checkbox", { name: ja("history.withEra") }).click({ force: true }));
  const file = await page.context().newPage();
  await file.setContent(html.data.toString("utf8"));
  await expect(file.getByRole("table").getByRole("cell", { name: "300,000" })).toBeVisible();
  await expect(file.getByText("令和8年11月22日").first()).toBeVisible();
  await expect.poll(() => file.evaluate(() => Array.from(document.images).every((image) => image.complete && image.naturalWidth === 64) && document.images.length)).toBe(1);
  await expect(file.getByText("まず趣旨を決める")).toHaveCount(0); // it was not asked for
  await file.close();

  await openExport(page, "交付要綱の案");
  const markdown = await exported(page, "md"); // with a picture, so in a zip
  const files = unzip(markdown.data);
  expect(markdown.name).toBe("2026-11-22 交付要綱の案.zip");
  expect(part(files, "2026-11-22 交付要綱の案.md")).toContain("| LED 照明 | 300,000 |");
  expect([...files.keys()].find((name) => name.endsWith("現地.png"))).toBeTruthy();

  await openExport(page, "交付要綱の案");
  const json = JSON.parse((await exported(page, "json")).data.toString("utf8"));
  const [conversation] = json.conversations;
  expect(conversation).toMatchObject({ title: "交付要綱の案", folder: "産業振興課", tags: ["要綱"] });
  expect(conversation.messages.map((m: { parts: { text?: string }[] }) => m.parts.at(-1)!.text)).toEqual(["交付要綱の案をください", "はじめの案です", answer]);
  expect(conversation.messages[2].feedback).toMatchObject({ rating: "good" });
});

test("many go out at once, and the tables of an answer to a spreadsheet", async ({ workplace, page }) => {
  await bring(page, workplace, "一つめ", "二つめ", "三つめ");
  await page.goto(`${workplace.url}/history`);
  for (const name of ["一つめ", "三つめ"]) await page.getByRole("checkbox", { name: ja("ui.selectNamed", { name }) }).click({ force: true });
  await page.getByRole("toolbar", { name: ja("history.chosenActs") }).getByRole("button", { name: ja("history.exportAct") }).click();
  const many = await exported(page, "docx");
  expect(many.name).toMatch(/^kakoi-\d{8}-\d{6}\.zip$/);
  const files = unzip(many.data);
  expect([...files.keys()].sort()).toEqual(["2026-11-22 一つめ.docx", "2026-11-22 三つめ.docx"].sort());
  for (const data of files.values()) readWord(data);

  await page.getByRole("main").getByRole("link", { name: "二つめ" }).click();
  const said = answers(page).last();
  await said.getByRole("button", { name: ja("chat.more") }).click();
  const book = await downloaded(page, () => page.getByRole("menuitem", { name: ja("chat.tablesSave") }).click());
  expect(book.name).toMatch(/\.xlsx$/);
  const parts = unzip(book.data);
  const sheet = part(parts, "xl/worksheets/sheet1.xml");
  const all = wordsOf(sheet + (parts.get("xl/sharedStrings.xml")?.toString("utf8") ?? ""));
  expect(all).toContain("LED 照明");
  expect(sheet).toContain("<v>300000</v>"); // a number, to be summed
  expect(sheet).not.toContain("<f>"); // and what a model says is no formula

  const csv = await downloaded(page, () => said.getByRole("button", { name: ja("markdown.tableDownload") }).click());
  expect(csv.name).toMatch(/\.csv$/);
  const lines = csv.data.toString("utf8").replace(/^\uFEFF/, "").trimEnd().split(/\r?\n/);
  expect(lines).toHaveLength(3);
  expect(lines[1]).toBe('LED 照明,"300,000"');
  expect(lines[2]).not.toMatch(/,=/);
});

test("exports of other programs come in once", async ({ workplace, page }) => {
  await page.goto(`${workplace.url}/settings`);
  const choose = page.getByRole("button", { name: ja("account.importChoose") });
  const choosing = async (name: string, buffer: Buffer) => {
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), choose.click()]);
    await chooser.setFiles({ name, mimeType: "application/json", buffer });
  };
  const stored = async () => (await call(page.request, workplace, "GET", "/conversations?limit=100")).items.length as number;
  let before = await stored();
  for (const [name, source, count] of [
    ["chatgpt", "chatgpt", 2], ["openwebui", "open_webui", 2], ["librechat", "librechat", 1], ["genu", "genu", 1], ["kakoi", "kakoi", 1],
  ] as const) {
    const buffer = readFileSync(join(fixtures, `${name}.json`));
    const file = `${name}.json`;
    await choosing(file, buffer);
    const would = page.getByText(ja("account.importWould", { name: file, source: ja(`account.importSource.${source}`), count, formatted: count }));
    await expect(would).toBeVisible();
    expect(await stored()).toBe(before); // nothing yet
    await page.getByRole("button", { name: ja("account.importAct"), exact: true }).click();
    await expect(page.getByText(ja("account.importDone", { count, formatted: count }))).toBeVisible();
    await expect.poll(stored).toBeGreaterThanOrEqual(before);
    before = await stored();
    await choosing(file, buffer);
    await expect(page.getByText(ja("account.importNothing", { name: file, source: ja(`account.importSource.${source}`), count: 0, formatted: 0 }))).toBeVisible();
    await expect(page.getByRole("button", { name: ja("account.importAct"), exact: true })).toHaveCount(0);
    expect(await stored()).toBe(before);
  }
  await new Inspector(page, "ja", [/\.json/, /^Mozilla\/5\.0 /]).look("what an import reports");

  // They are conversations like others.
  await page.getByRole("navigation", { name: ja("frame.main") }).getByRole("link", { name: "枝のある会話" }).click();
  await expect(answers(page).last()).toContainText("三件です");

  // What is no export says so, which file it was, and what to do.
  await page.goto(`${workplace.url}/settings`);
  await choosing("notes.json", Buffer.from('{"a": 1}'));
  await expect(page.getByText(ja("account.importUnreadable", { name: "notes.json" }))).toBeVisible();
  await choosing("cut.json", readFileSync(join(fixtures, "chatgpt.json")).subarray(0, 2000));
  await expect(page.getByText(ja("account.importUnreadable", { name: "cut.json" }))).toBeVisible();
  await expect(page.getByText(ja("account.importUnreadableHint"))).toBeVisible();
  expect(await stored()).toBe(before);
});

test("everything that is mine goes out, and is deleted after a word", async ({ workplace, page }) => {
  await bring(page, workplace, "交付要綱の案", "もう一つ");
  await page.goto(`${workplace.url}/settings`);
  const all = await downloaded(page, () => page.getByRole("button", { name: ja("account.mineExport") }).click());
  const files = unzip(all.data);
  for (const name of ["account.json", "prompts.json", "shares.json", "feedback.json", "folders/001.json"]) JSON.parse(part(files, name));
  expect([...files.keys()].filter((name) => name.startsWith("conversations/"))).toHaveLength(2);

  await page.getByRole("button", { name: ja("account.mineDelete") }).click();
  const dialog = page.getByRole("alertdialog", { name: ja("account.mineDeleteTitle") });
  const act = dialog.getByRole("button", { name: ja("account.mineDeleteAct") });
  await expect(act).toHaveAttribute("aria-disabled", "true");
  await dialog.getByRole("textbox").fill("はい");
  await expect(act).toHaveAttribute("aria-disabled", "true");
  await dialog.getByRole("textbox").fill(ja("account.mineWord"));
  await act.click();
  await expect(page.getByText(ja("account.mineDeleted", { count: 2, formatted: 2 }))).toBeVisible();
  expect((await call(page.request, workplace, "GET", "/conversations")).items).toHaveLength(0);
  await expect(page.getByRole("navigation", { name: ja("frame.main") }).getByRole("link", { name: "もう一つ" })).toHaveCount(0);

  // What went out comes back in.
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: ja("account.importChoose") }).click()]);
  await chooser.setFiles({ name: "kakoi.zip", mimeType: "application/zip", buffer: all.data });
  await page.getByRole("button", { name: ja("account.importAct"), exact: true }).click();
  await expect(page.getByText(ja("account.importDone", { count: 2, formatted: 2 }))).toBeVisible();
  await expect(page.getByRole("navigation", { name: ja("frame.main") }).getByRole("link", { name: "もう一つ" })).toBeVisible();
});
