import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "@playwright/test";
import { Kakoi, ask, call, connectModel, ended, setUp } from "./kakoi";

// A small model with open weights, served by llama.cpp, answers in the browser:
// nothing between the person and the model is played.
test("a real model answers a Japanese question", async ({ page }) => {
  test.setTimeout(240_000);
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
    const server = await Kakoi.start();
    try {
      await setUp(server, page.request);
      const models = await fetch(`${baseUrl}/models`).then((r) => r.json());
      await connectModel(server, page.request, baseUrl, models.data[0].id, "Gemma 3", { vision: false, reasoning: false, contextTokens: 2048, outputTokens: 128 });
      await page.goto(server.url);
      await ask(page, "日本の首都はどこですか。一文で答えてください。");
      await page.waitForURL(/\/c\//);
      const id = new URL(page.url()).pathname.split("/").pop();
      const messages = async () => (await call(page.request, server, "GET", `/conversations/${id}/messages`)).items;
      await expect.poll(async () => (await messages())[1].status, { timeout: 120_000 }).not.toBe("running");
      await ended(page);
      const items = await messages();
      expect(items[1].status).toBe("complete");
      expect(items[1].parts[0].text).toContain("東京");
      expect(items[1].usage.outputTokens).toBeGreaterThan(0);
      await expect(page.locator("main")).toContainText("東京");
    } finally {
      await server.stop();
    }
  } finally {
    child.stdin.end();
    child.kill();
  }
});
