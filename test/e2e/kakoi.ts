import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { type APIRequestContext, type Page, expect } from "@playwright/test";
import pg from "pg";

const root = resolve(import.meta.dirname, "../..");

export type Engine = "sqlite" | "postgres";

export const admin = { email: "kanri@example.jp", name: "管理 花子", password: "correct horse battery" };

/** A real Kakoi process with a store of its own, that a test may kill. */
export class Kakoi {
  private process: ChildProcess | undefined;
  private readonly dir = mkdtempSync(join(tmpdir(), "kakoi-e2e-"));
  private output = "";
  setupLink = "";

  private constructor(readonly url: string, private readonly databaseURL: string) {}

  static async start(engine: Engine = "sqlite"): Promise<Kakoi> {
    const databaseURL = engine === "postgres" ? await freshDatabase() : "";
    const server = new Kakoi(`http://127.0.0.1:${await freePort()}`, databaseURL);
    await server.boot();
    return server;
  }

  /** Starts the process and waits until it is ready. */
  async boot(): Promise<void> {
    const env: NodeJS.ProcessEnv = { ...process.env, KAKOI_HTTP_ADDR: this.url.slice("http://".length), KAKOI_DATA_DIR: this.dir };
    for (const name of Object.keys(env)) if (name.startsWith("KAKOI_TEST_")) delete env[name];
    if (this.databaseURL) env.KAKOI_DATABASE_URL = this.databaseURL;
    const child = spawn(join(root, "bin/kakoi"), ["serve", "--log-format", "text"], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.process = child;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream! }).on("line", (line) => {
        this.output += `${line}\n`;
        const link = /https?:\/\/\S+\/setup#token=\S+/.exec(line);
        if (link) this.setupLink = link[0];
      });
    }
    const until = Date.now() + 60_000;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`kakoi ended with ${child.exitCode}:\n${this.output}`);
      const ready = await fetch(`${this.url}/readyz`).then((r) => r.ok, () => false);
      if (ready) return;
      if (Date.now() > until) throw new Error(`kakoi is not ready:\n${this.output}`);
      await new Promise((r) => setTimeout(r, 50));
    }
  }

  /** Ends the process as a power cut would. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.end("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((r) => child.once("exit", r));
    child.kill(signal);
    await gone;
  }
}

/** The fakes of the model servers, in a process of their own. */
export async function startFakes(rate = 30): Promise<Fakes> {
  const child = spawn(join(root, "bin/fakemodels"), ["-rate", String(rate)], { stdio: ["pipe", "pipe", "inherit"] });
  const line = await new Promise<string>((ok, no) => {
    createInterface({ input: child.stdout }).once("line", ok);
    child.once("exit", () => no(new Error("the fake model servers did not start")));
  });
  return { ...(JSON.parse(line) as Omit<Fakes, "stop">), stop: () => child.kill() };
}

export interface Fakes {
  bedrock: string;
  openai: string;
  control: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  stop: () => void;
}

/** Makes the first administrator by the API, for tests of something else. */
export async function setUp(server: Kakoi, request: APIRequestContext): Promise<void> {
  const token = new URL(server.setupLink).hash.slice("#token=".length);
  await call(request, server, "POST", "/setup", { token, ...admin, locale: "ja" });
}

/** Calls the API as the browser of request is signed in. */
export async function call(request: APIRequestContext, server: Kakoi, method: string, path: string, data?: unknown): Promise<any> {
  const response = await request.fetch(`${server.url}/api/v1${path}`, { method, data, headers: { origin: server.url } });
  expect(response.ok(), `${method} ${path}: ${response.status()} ${await response.text()}`).toBeTruthy();
  return response.status() === 204 ? undefined : response.json();
}

/** Connects an OpenAI-compatible server and makes a model of it, by the API. */
export async function connectModel(
  server: Kakoi, request: APIRequestContext, baseUrl: string, remoteId: string, displayName: string,
  capabilities: Record<string, unknown> = { vision: true, reasoning: true },
): Promise<string> {
  const connection = await call(request, server, "POST", "/admin/connections", {
    name: displayName, kind: "openai", enabled: true, settings: { baseUrl },
  });
  const model = await call(request, server, "POST", "/admin/models", {
    connectionId: connection.id, remoteId, displayName, enabled: true,
    capabilities: { vision: false, documents: false, reasoning: false, tools: false, contextTokens: 8192, outputTokens: 2048, ...capabilities },
  });
  return model.id;
}

/** The field in which a person writes. */
export function composer(page: Page) {
  return page.getByRole("textbox", { name: "頼みたいこと" });
}

export async function ask(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await page.getByRole("button", { name: "送信する" }).click();
}

/** Waits until the answer on the page has ended. */
export async function ended(page: Page): Promise<void> {
  await expect(page.getByRole("article", { name: "回答" }).last()).toBeVisible();
  await expect(page.getByRole("button", { name: "止める" })).toHaveCount(0, { timeout: 60_000 });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((r) => probe.listen(0, "127.0.0.1", r));
  const address = probe.address();
  await new Promise((r) => probe.close(r));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function freshDatabase(): Promise<string> {
  const base = process.env.KAKOI_TEST_POSTGRES_URL;
  if (!base) throw new Error("KAKOI_TEST_POSTGRES_URL is not set: run the tests by make test-e2e");
  const name = `e2e_${randomBytes(6).toString("hex")}`;
  const client = new pg.Client({ connectionString: base });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(base);
  url.pathname = `/${name}`;
  return url.toString();
}
