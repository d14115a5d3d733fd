import { type Page } from "@playwright/test";
import { call, setUp } from "./kakoi";
import { expect, test } from "./fixtures";

// How long a conversation of 500 messages takes to be there, and whether it
// scrolls without a halt. What is printed stands in docs/performance.md.

const messages = 500;
const last = `これが${messages}番目の発言です`;

/** A conversation as LibreChat exports it, of some 400 characters a message, with lists and tables. */
function long(): string {
  const answer = (n: number) => `${n}番目の回答です。\n\n- 窓口の待ち時間は前月より**短く**なりました。\n- 説明の分かりやすさは変わりません。\n\n| 項目 | 前月 | 今月 |\n|:--|--:|--:|\n| 待ち時間 | ${n} | ${n + 1} |\n| 案内 | 3.9 | 4.0 |\n\n${"住民の皆さまへの案内を見直し、混雑する時間を広報でお知らせします。".repeat(6)}`;
  const list = Array.from({ length: messages }, (_, i) => ({
    messageId: `m${i}`, parentMessageId: i === 0 ? "00000000-0000-0000-0000-000000000000" : `m${i - 1}`, isCreatedByUser: i % 2 === 0,
    text: i === messages - 1 ? last : i === 0 ? "最初の質問です。" : i % 2 === 0 ? `${i}番目の質問です。先月の窓口の様子を教えてください。` : answer(i), createdAt: new Date(1_750_000_000_000 + i * 60_000).toISOString(),
  }));
  return JSON.stringify({ conversationId: "long", title: "とても長い会話", options: {}, messages: list });
}

const report = (what: string, times: number[], target: string) => {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (p: number) => `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? 0)} ms`;
  console.log(`| ${what} | ${at(50)} | ${at(95)} | ${target} |`);
};

/** The time until the end of the conversation is painted, from now on. */
const shown = (page: Page) =>
  page.evaluate(async (words) => {
    const began = performance.now();
    const there = () => Array.from(document.querySelectorAll("main article")).some((one) => one.textContent?.includes(words));
    while (!there()) await new Promise((next) => requestAnimationFrame(next));
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
    return performance.now() - began;
  }, last);

test("a conversation of 500 messages", async ({ server, page }) => {
  await setUp(server, page.request);
  const taken = await page.request.post(`${server.url}/api/v1/imports`, { data: Buffer.from(long()), headers: { origin: server.url, "content-type": "application/octet-stream" } });
  expect(taken.ok(), await taken.text()).toBeTruthy();
  const [conversation] = (await call(page.request, server, "GET", "/conversations")).items;

  const opened: number[] = [];
  for (let i = 0; i < 12; i++) {
    await page.goto(server.url); // nothing of the conversation is in the page's memory
    const link = page.getByRole("navigation").getByRole("link", { name: "とても長い会話" });
    await expect(link).toBeVisible();
    // The page of conversations too, which the start page fetches ahead.
    await page.waitForFunction(() => performance.getEntriesByType("resource").some((entry) => entry.name.includes("/conversation-page")));
    await page.evaluate(() => new Promise((idle) => requestIdleCallback(idle)));
    const [time] = await Promise.all([shown(page), link.evaluate((it) => (it as HTMLElement).click())]);
    if (i > 0) opened.push(time); // the first warms the server
  }

  await page.goto(`${server.url}/c/${conversation.id}`);
  await shown(page);
  // Upwards at 6,000 pixels a second through everything, whose pages are fetched on the way.
  const frames = await page.evaluate(async () => {
    const article = document.querySelector("main article");
    let box = article?.parentElement ?? null;
    while (box && !(box.scrollHeight > box.clientHeight + 10 && /auto|scroll/.test(getComputedStyle(box).overflowY))) box = box.parentElement;
    if (!box) throw new Error("nothing scrolls");
    const times: number[] = [];
    let before = performance.now();
    const until = before + 10_000;
    while (before < until && !document.body.textContent?.includes("最初の質問です。")) {
      box.scrollTop -= 100;
      await new Promise((next) => requestAnimationFrame(next));
      const now = performance.now();
      times.push(now - before);
      before = now;
    }
    return times;
  });

  console.log(`\nA conversation of ${messages} messages, in the browser\n\n| | p50 | p95 | target (p95) |\n|:--|--:|--:|--:|`);
  report("opened, from the click to its last message on the screen", opened, "300 ms");
  report(`a frame while it scrolls (${frames.length} frames)`, frames, "");
});
