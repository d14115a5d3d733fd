import type { Page } from "@playwright/test";
import { addMember, answers, ask, call, composer, connectModel, ended, png } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { ja } from "./words";

// Files with a message: how they get there, what is told about them, and who may have them.

const list = (page: Page) => page.getByRole("list", { name: ja("chat.attachments") });
const sendButton = (page: Page) => page.getByRole("button", { name: ja("chat.send"), exact: true });

/** 氏名,残高 / 山田,三千円 / [[say 残高は山田が三千円です]], as Excel on Windows saves it. */
const ledger = Buffer.from("8e8196bc2c8e638d820d0a8e5293632c8e4f90e7897e0d0a5b5b736179208e638d8282cd8e52936382aa8e4f90e7897e82c582b75d5d0d0a", "hex");

interface Dropped {
  name: string;
  type: string;
  data: Buffer;
}

/** What a person drags or copies, as the page sees it. */
const transferOf = (page: Page, files: Dropped[]) =>
  page.evaluateHandle(
    (given) => {
      const transfer = new DataTransfer();
      for (const { name, type, data } of given) transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }));
      return transfer;
    },
    files.map(({ name, type, data }) => ({ name, type, data: data.toString("base64") })),
  );

async function pick(page: Page, ...files: { name: string; mimeType: string; buffer: Buffer }[]) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: ja("chat.attachFile"), exact: true }).click()]);
  expect(chooser.isMultiple()).toBe(true);
  await chooser.setFiles(files);
}

test("files come by picker, drop and paste, are read right, and stay in the draft", async ({ workplace, page, visit, fakes }) => {
  const eye = new Inspector(page, "ja", [/\.(csv|png|md|xlsx)$/]);
  let attachment = "";

  await test.step("several at once, under Japanese names", async () => {
    const button = page.getByRole("button", { name: ja("chat.attachFile"), exact: true });
    await expect(button).toHaveAccessibleDescription(ja("chat.attachLimits", { size: "20 MB", count: 10 }));
    await pick(
      page,
      { name: "残高（か\u3099いと\u3099）①.csv", mimeType: "application/vnd.ms-excel", buffer: ledger },
      { name: "地図.png", mimeType: "image/png", buffer: png(40, 30) },
      { name: "手順.md", mimeType: "", buffer: Buffer.from("# 手順\n1. 受付") },
    );
    await expect(list(page).getByRole("listitem")).toHaveCount(3);
    await expect(list(page).getByText("残高（がいど）①.csv", { exact: true })).toBeVisible();
    await expect(page.getByText(ja("chat.attachedOf", { at: 3, bounds: ja("chat.attachLimits", { size: "20 MB", count: 10 }) }))).toBeVisible();
    await expect(list(page).getByRole("progressbar")).toHaveCount(0);
    await eye.look("files beside words");
  });

  await test.step("a reload keeps them", async () => {
    await composer(page).fill("読んでください");
    await page.reload();
    await expect(list(page).getByRole("listitem")).toHaveCount(3);
    await expect(composer(page)).toHaveValue("読んでください");
  });

  await test.step("Shift_JIS is read right by a model that reads only words and pictures", async () => {
    await sendButton(page).click();
    await ended(answers(page).first());
    await expect(answers(page).first()).toContainText("残高は山田が三千円です");
    const link = page.getByRole("link", { name: ja("chat.downloadNamed", { name: "残高（がいど）①.csv" }) }).or(page.getByRole("link", { name: /残高（がいど）①\.csv/ })).first();
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    expect(download.suggestedFilename()).toBe("残高（がいど）①.csv");
    attachment = (await link.getAttribute("href"))!;
  });

  await test.step("a drop anywhere, with a target", async () => {
    const files = await transferOf(page, [{ name: "会場.png", type: "image/png", data: png(20, 20) }]);
    await answers(page).first().dispatchEvent("dragover", { dataTransfer: files });
    await expect(page.getByText(ja("chat.dropHere"))).toBeVisible();
    await eye.look("where files are dropped");
    await answers(page).first().dispatchEvent("drop", { dataTransfer: files });
    await expect(page.getByText(ja("chat.dropHere"))).toHaveCount(0);
    await expect(list(page).getByText("会場.png")).toBeVisible();
  });

  await test.step("a picture is pasted", async () => {
    const clip = await transferOf(page, [{ name: "image.png", type: "image/png", data: png(10, 10) }]);
    await composer(page).evaluate((field, clipboardData) => field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true })), clip);
    await expect(list(page).getByText("image.png")).toBeVisible();
    await ended(await ask(page, "何が写っていますか"));
    await expect(answers(page).last()).toContainText("I see a 20x20 png. I see a 10x10 png.");
    await expect(list(page)).toHaveCount(0);
  });

  await test.step("a turn that is taken back brings its file", async () => {
    const answer = await ask(page, "[[slow]] [[long 300]] 長く");
    await expect(answer).toHaveAttribute("aria-busy", "true");
    await pick(page, { name: "追加.csv", mimeType: "text/csv", buffer: Buffer.from("a,b") });
    await expect(list(page).getByText("追加.csv")).toBeVisible();
    await composer(page).fill("これも");
    await page.getByRole("button", { name: ja("chat.sendQueue") }).click();
    await page.getByRole("button", { name: ja("chat.queueRemove") }).click();
    await expect(composer(page)).toHaveValue("これも");
    await expect(list(page).getByText("追加.csv")).toBeVisible();
    await page.getByRole("button", { name: ja("chat.stop"), exact: true }).click();
    await ended(answer);
    await page.getByRole("button", { name: ja("chat.removeNamed", { name: "追加.csv" }) }).click();
    await expect(list(page)).toHaveCount(0);
  });

  await test.step("nobody else can have them", async () => {
    const stranger = await visit();
    await addMember(workplace, page.request, stranger.request, "佐藤 次郎", "sato@example.jp");
    expect(attachment).toMatch(/^\/api\/v1\/attachments\/[0-9a-f-]{36}\/content$/);
    expect((await page.request.get(workplace.url + attachment)).status()).toBe(200);
    const response = await stranger.request.get(workplace.url + attachment);
    expect(response.status()).toBe(404);
    expect((await response.json()).code).toBe("not_found");
  });

  await test.step("what cannot be taken is told, with what to do", async () => {
    await call(page.request, workplace, "PUT", "/admin/settings/chat", { temporary: "allowed", attachmentBytes: 2048, attachmentsPerTurn: 2, version: 0 });
    await connectModel(workplace, page.request, fakes.openai, "fake-light", "文だけのモデル", { vision: false });
    await page.goto(workplace.url);
    const button = page.getByRole("button", { name: ja("chat.attachFile"), exact: true });
    await expect(button).toHaveAccessibleDescription(ja("chat.attachLimits", { size: "2 KB", count: 2 }));
    const sent: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes("/attachments?")) sent.push(decodeURIComponent(request.url().split("name=")[1]!));
    });
    await pick(
      page,
      { name: "写真.heic", mimeType: "image/heic", buffer: Buffer.from("x") },
      { name: "長い.txt", mimeType: "text/plain", buffer: Buffer.alloc(3000, "a") },
      { name: "計画.xlsx", mimeType: "", buffer: Buffer.from("PK") },
      { name: "一.csv", mimeType: "text/csv", buffer: Buffer.from("1") },
      { name: "二.csv", mimeType: "text/csv", buffer: Buffer.from("2") },
      { name: "三.csv", mimeType: "text/csv", buffer: Buffer.from("3") },
    );
    for (const [name, why] of [
      ["写真.heic", ja("chat.refused.heic")],
      ["長い.txt", ja("chat.refused.tooLarge", { size: "2 KB" })],
      ["計画.xlsx", ja("chat.refused.document")],
      ["三.csv", ja("chat.refused.tooMany", { count: 2 })],
    ]) {
      await expect(page.getByText(`${name}: ${why}`)).toBeVisible();
    }
    await expect(list(page).getByRole("listitem")).toHaveCount(2);
    await eye.look("files that are not taken");
    expect(sent.sort()).toEqual(["一.csv", "二.csv"]);
    // A photo of a phone under another name is found out by the server.
    await page.getByRole("button", { name: ja("chat.removeNamed", { name: "一.csv" }) }).click();
    await expect(composer(page)).toBeFocused(); // the button is gone
    const heic = Buffer.concat([Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"), Buffer.alloc(64)]);
    await pick(page, { name: "写真", mimeType: "", buffer: heic });
    await expect(page.getByText(`写真: ${ja("chat.refused.heic")}`)).toBeVisible();
    // So is what is no document at all; neither is in the way of sending.
    await pick(page, { name: "道具", mimeType: "", buffer: Buffer.concat([Buffer.from("MZ"), Buffer.alloc(2000)]) });
    await expect(page.getByText(`道具: ${ja("chat.refused.unsupported")}`)).toBeVisible();
    await expect(list(page).getByRole("listitem")).toHaveCount(1);

    await page.getByRole("button", { name: ja("chat.modelNamed", { name: "庁内モデル" }) }).click();
    await page.getByRole("menuitemradio", { name: "文だけのモデル" }).click();
    await pick(page, { name: "地図.png", mimeType: "image/png", buffer: png(4, 4) });
    await expect(page.getByText(`地図.png: ${ja("chat.refused.image")}`)).toBeVisible();
    await ended(await ask(page, "[[say 文は読めます]]"));
    await expect(answers(page).first()).toContainText("文は読めます");
  });
});
