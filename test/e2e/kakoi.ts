import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { deflateSync } from "node:zlib";
import { type APIRequestContext, type Locator, type Page, expect } from "@playwright/test";
import pg from "pg";
import { type Key, type Locale, type Words, ja } from "./words";

const root = resolve(import.meta.dirname, "../..");

export type Engine = "sqlite" | "postgres";

export const admin = { email: "kanri@example.jp", name: "管理 花子", password: "correct horse battery" };

/** A real Kakoi process with a store of its own, that a test may kill. */
export class Kakoi {
  private process: ChildProcess | undefined;
  private readonly dir = mkdtempSync(join(tmpdir(), "kakoi-e2e-"));
  private output = "";
  setupLink = "";

  private constructor(readonly url: string, readonly databaseURL: string) {}

  /** named: people reach it under a name, which passkeys need, and not under an IP address. */
  static async start(engine: Engine = "sqlite", named = false): Promise<Kakoi> {
    const databaseURL = engine === "postgres" ? await freshDatabase() : "";
    const server = new Kakoi(`http://${named ? "localhost" : "127.0.0.1"}:${await freePort()}`, databaseURL);
    await server.boot();
    return server;
  }

  /** Starts the process and waits until it is ready. */
  async boot(): Promise<void> {
    const env: NodeJS.ProcessEnv = { ...process.env, KAKOI_HTTP_ADDR: `127.0.0.1:${new URL(this.url).port}`, KAKOI_DATA_DIR: this.dir };
    if (this.url.includes("localhost")) env.KAKOI_HTTP_PUBLIC_URL = this.url;
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

  /** Where the words lie: files of the data folder, whatever they are, and the log. */
  holding(words: string): string[] {
    const wanted = Buffer.from(words);
    const files = readdirSync(this.dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return [
      ...files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => readFileSync(path).includes(wanted)),
      ...(this.output.includes(words) ? ["the log"] : []),
    ];
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
  const ready = JSON.parse(line) as Omit<Fakes, "stop" | "live">;
  return {
    ...ready,
    live: async () => {
      const [bedrock, openai] = await Promise.all(["stats", "openai"].map((path) => fetch(`${ready.control}/${path}`).then((r) => r.json() as Promise<any>)));
      return bedrock.Running + openai.Running;
    },
    stop: () => child.kill(),
  };
}

export interface Fakes {
  bedrock: string;
  openai: string;
  control: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** How many answers are being written. */
  live: () => Promise<number>;
  stop: () => void;
}

/** Makes the first administrator by the API, for tests of something else. */
export async function setUp(server: Kakoi, request: APIRequestContext, locale: Locale = "ja", name = admin.name): Promise<void> {
  const token = new URL(server.setupLink).hash.slice("#token=".length);
  await call(request, server, "POST", "/setup", { token, ...admin, name, locale });
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

/** The password that members have whom a test added by addMember. */
export const memberPassword = "another horse battery";

/** Adds a member whose first password is already changed, signed in with request. */
export async function addMember(server: Kakoi, admin: APIRequestContext, member: APIRequestContext, name: string, email: string): Promise<string> {
  const made = await call(admin, server, "POST", "/admin/accounts", { name, email });
  await call(member, server, "POST", "/sign-in", { email, password: made.temporaryPassword });
  await call(member, server, "POST", "/me/password", { current: made.temporaryPassword, new: memberPassword });
  return made.account.id;
}

/** Signs in on the page that asks for it. */
export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel(ja("account.email")).fill(email);
  await page.getByLabel(ja("account.password"), { exact: true }).fill(password);
  await page.getByRole("button", { name: ja("account.signInAct"), exact: true }).click();
}

/** The field in which a person writes. */
export function composer(page: Page, t: Words = ja): Locator {
  return page.getByRole("textbox", { name: t("chat.words") });
}

/** The answers on the page, oldest first. */
export function answers(page: Page, t: Words = ja): Locator {
  return page.getByRole("article", { name: t("chat.answer"), exact: true });
}

/** Asks in the conversation that is open, or begins one, and returns the answer to come. */
export async function ask(page: Page, text: string, t: Words = ja): Promise<Locator> {
  const before = await answers(page, t).count();
  const send = page.getByRole("button", { name: t("chat.send"), exact: true });
  await composer(page, t).fill(text);
  await expect(composer(page, t)).toHaveValue(text);
  await expect(send).toBeEnabled(); // the models are known
  await send.click();
  return answers(page, t).nth(before);
}

/** Puts a picture beside the words to send. */
export async function attach(page: Page, name: string, picture: Buffer, t: Words = ja): Promise<void> {
  const named = (key: Key) => page.getByRole("button", { name: t(key), exact: true });
  const button = named("chat.attachFile");
  await expect(button).not.toHaveAttribute("aria-disabled", "true"); // the model is known, and that it sees
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button.click()]);
  await chooser.setFiles({ name, mimeType: "image/png", buffer: picture });
  await expect(page.getByRole("list", { name: t("chat.attachments") }).getByText(name)).toBeVisible();
}

/**
 * Writes kana that an input method is still converting, and presses the Enter of
 * the conversion as Windows and as a Mac tell it. What is returned puts in what
 * the kana became.
 */
export async function convert(page: Page, kana: string): Promise<(text: string) => Promise<void>> {
  const ime = await page.context().newCDPSession(page);
  await ime.send("Input.imeSetComposition", { text: kana, selectionStart: kana.length, selectionEnd: kana.length });
  for (const key of ["Process", "Enter"]) await ime.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key, code: "Enter", windowsVirtualKeyCode: 229 });
  return async (text) => {
    await ime.send("Input.insertText", { text });
    await ime.detach();
  };
}

/** Waits until an answer has come to its end, whichever it is. */
export async function ended(answer: Locator): Promise<void> {
  await expect(answer).toHaveAttribute("aria-busy", "false", { timeout: 90_000 });
}

/** Waits until an answer has begun and some of it is there. */
export async function begun(answer: Locator, atLeast = 50): Promise<void> {
  await expect.poll(async () => (await answer.locator(".prose").allInnerTexts()).join("").length, { timeout: 60_000 }).toBeGreaterThan(atLeast);
}

/** The id of the conversation that is open. */
export async function conversationId(page: Page): Promise<string> {
  await page.waitForURL(/\/c\//);
  return new URL(page.url()).pathname.split("/").pop()!;
}

/** What is stored of the last answer of a conversation. */
export async function lastAnswer(server: Kakoi, request: APIRequestContext, conversation: string): Promise<any> {
  const page = await call(request, server, "GET", `/conversations/${conversation}/messages`);
  const message = page.items.at(-1);
  return { ...message, text: message.parts.map((part: { text?: string }) => part.text ?? "").join("") };
}

/** A plain picture, for models that see. */
export function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // eight bits of red, green and blue
  const rows = Buffer.alloc(height * (1 + width * 3), 0x99);
  for (let y = 0; y < height; y++) rows[y * (1 + width * 3)] = 0; // no filter
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function crc32(data: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of data) {
    sum ^= byte;
    for (let i = 0; i < 8; i++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
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
