import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "./fixtures";
import { ask, connectModel, conversationId, ended, lastAnswer, setUp } from "./kakoi";

// A small model with open weights, served by llama.cpp, answers in the browser:
// nothing between the person and the model is played.
test("a real model answers a Japanese question", async ({ page, server }) => {
  test.setTimeout(360_000);
  const script = resolve(import.meta.dirname, "../../scripts/real-model/serve.sh");
  const port = 18_000 + Math.floor(Math.random() * 2_000);
  const child = spawn(script, ["--port", String(port), "--until-stdin-closes"], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const baseUrl = await new Promise<string>((ok, no) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const ready = /^ready (\S+)/.exec(line);
        if (ready) ok(ready[1]!);
      });
      child.once("exit", (code) => no(new Error(`the model server ended with ${code}`)));
    });
    await setUp(server, page.request);
    const models = await fetch(`${baseUrl}/models`).then((r) => r.json());
    await connectModel(server, page.request, baseUrl, models.data[0].id, "Gemma 3", { vision: false, reasoning: false, contextTokens: 2048, outputTokens: 128 });
    await page.goto(server.url);
    const answer = await ask(page, "日本の首都はどこですか。一文で答えてください。");
    const conversation = await conversationId(page);
    await expect.poll(async () => (await lastAnswer(server, page.request, conversation)).status, { timeout: 120_000 }).not.toBe("running");
    await ended(answer);
    const said = await lastAnswer(server, page.request, conversation);
    expect(said.status).toBe("complete");
    // So small a model does not always know, but it answers in Japanese.
    expect(said.text).toMatch(/[ぁ-んァ-ヶ一-龥]{2}/);
    expect(said.usage.outputTokens).toBeGreaterThan(0);
    await expect(answer).toContainText(said.text.trim().split("\n")[0]!.slice(0, 10));
  } finally {
    child.stdin.end();
    child.kill();
  }
});
