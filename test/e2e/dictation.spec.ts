import type { Page } from "@playwright/test";
import { type Fakes, answers, call, composer, connectModel } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import config from "./playwright.config";
import { type Key, ja } from "./words";

// Speaking instead of writing. The microphone is the browser's own fake, which
// beeps; what the fake speech server hears in it is always the same.

const launch = config.use?.launchOptions;
test.use({
  permissions: ["microphone"],
  launchOptions: { ...launch, args: [...(launch?.args ?? []), "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"] },
});

const spoken = "明日の会議は十時からに変わりました。";
const button = (page: Page, key: Key) => page.getByRole("button", { name: ja(key), exact: true });
const begin = (page: Page) => button(page, "chat.dictation.act");
const finish = (page: Page) => button(page, "chat.dictation.finish");

const listen = (fakes: Fakes, how: object) => fetch(`${fakes.control}/speech`, { method: "POST", body: JSON.stringify(how) });
const heard = async (fakes: Fakes): Promise<{ name: string; mediaType: string; language: string; bytes: number }> => (await fetch(`${fakes.control}/speech`)).json() as any;

/** Speaks for a second or so. */
async function speak(page: Page): Promise<void> {
  await expect(page.getByRole("timer")).toContainText(/^0:0[1-9]/);
  await finish(page).click();
}

test("what is said comes into what is written, and is sent by nobody else", async ({ workplace, page, fakes }) => {
  const eye = new Inspector(page, "ja", [/音声認識/, /^件名：/, /^Esc$/]);
  await listen(fakes, {});

  await test.step("it is offered when a speech server is connected", async () => {
    await expect(button(page, "chat.attachFile")).toBeVisible();
    await expect(page.getByText("庁内モデル").first()).toBeVisible(); // the models are known
    await expect(begin(page)).toHaveCount(0);
    await connectModel(workplace, page.request, fakes.openai, "fake-whisper", "音声認識", {});
    await page.reload();
    await expect(begin(page)).toBeVisible();
    await page.getByRole("button", { name: ja("chat.modelNamed", { name: "庁内モデル" }) }).click();
    await expect(page.getByRole("menuitemradio", { name: "庁内モデル" })).toBeVisible();
    await expect(page.getByRole("menuitemradio", { name: "音声認識" })).toHaveCount(0); // nobody talks with it
    await page.keyboard.press("Escape");
  });

  await test.step("dictate into what is written", async () => {
    await composer(page).fill("件名：至急");
    await composer(page).evaluate((box: HTMLTextAreaElement) => box.setSelectionRange(3, 3));
    await begin(page).click();
    await expect(page.getByText(ja("chat.dictation.recording"))).toBeVisible();
    await expect(finish(page)).toBeFocused();
    await expect(button(page, "chat.send")).toHaveAttribute("aria-disabled", "true");
    await eye.look("while recording");
    await speak(page);
    await expect(composer(page)).toHaveValue(`件名：${spoken}至急`);
    await expect(composer(page)).toBeFocused();
    await page.keyboard.type("です");
    await expect(composer(page)).toHaveValue(`件名：${spoken}です至急`); // the caret is behind the words
    const file = await heard(fakes);
    expect(file).toMatchObject({ name: "speech.wav", mediaType: "audio/wav", language: "ja" });
    expect(file.bytes).toBeGreaterThan(20_000);
    await expect(answers(page)).toHaveCount(0);
    expect((await call(page.request, workplace, "GET", "/conversations")).items).toEqual([]);
  });

  await test.step("by its key, and forgotten by Escape", async () => {
    const before = await composer(page).inputValue();
    await listen(fakes, { wait: true });
    await page.keyboard.press("Control+;");
    await expect(page.getByRole("timer")).toContainText(/^0:0[1-9]/);
    await page.keyboard.press("Control+;");
    await expect(page.getByText(ja("chat.dictation.working")).first()).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(begin(page)).toBeVisible();
    await listen(fakes, {});
    await begin(page).click();
    await expect(finish(page)).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(begin(page)).toBeVisible();
    await expect(composer(page)).toBeFocused();
    await expect(composer(page)).toHaveValue(before);
    await expect.poll(fakes.live).toBe(0); // the server was told, too
  });

  await test.step("a failure keeps the recording", async () => {
    await composer(page).fill("");
    await listen(fakes, { fault: "denied" });
    await begin(page).click();
    await speak(page);
    const alert = page.getByRole("alert").filter({ hasText: ja("chat.dictation.failed.what") });
    await expect(alert).toContainText(ja("errors.model_access_denied.what"));
    await eye.look("a failed dictation");
    const first = await heard(fakes);
    await listen(fakes, {});
    await button(page, "chat.dictation.retry").click();
    await expect(composer(page)).toHaveValue(spoken);
    expect(await heard(fakes)).toEqual(first);
    await expect(alert).toHaveCount(0);
  });

  await test.step("nothing of it is kept by the server", async () => {
    await page.goto(`${workplace.url}/temporary`);
    await begin(page).click();
    await speak(page);
    await expect(composer(page)).toHaveValue(spoken);
    expect(workplace.holding("音声認識")).not.toEqual([]); // what is kept is found so
    expect(workplace.holding(spoken)).toEqual([]);
    await composer(page).fill("");
    await composer(page).blur();
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog").getByText(ja("shortcuts.dictate"))).toBeVisible();
  });
});
