import { type APIRequestContext, type BrowserContext, type BrowserContextOptions, type Page, expect, test as base } from "@playwright/test";
import { type Engine, type Fakes, Kakoi, connectModel, setUp, startFakes } from "./kakoi";

/** What browsers complained about in their consoles: errors, refusals of the policy, exceptions. */
export class Complaints {
  readonly lines: string[] = [];

  watch(context: BrowserContext): void {
    context.on("console", (message) => {
      if (message.type() === "error") this.lines.push(`${message.text()} (${message.location().url})`);
    });
    context.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^(https?|wss?):$/.test(protocol) && !["127.0.0.1", "localhost"].includes(hostname)) this.lines.push(`a page asked for ${request.url()}`);
    });
    context.on("weberror", (error) => this.lines.push(String(error.error().stack ?? error.error())));
  }

  /** Without answers of the server that the browser notes by itself: they are part of many tests. */
  get own(): string[] {
    return this.lines.filter((line) => !line.startsWith("Failed to load resource"));
  }
}

interface Fixtures {
  engine: Engine;
  complaints: Complaints;
  /** A server with an empty store. */
  server: Kakoi;
  /** A server with an administrator, who is signed in on page, and a model. */
  workplace: Kakoi;
  /** Somebody else's browser, or the same person's second one. */
  visit: (options?: BrowserContextOptions) => Promise<{ page: Page; request: APIRequestContext }>;
}

/** Tests of the built program in a real browser, whose console must stay silent. */
export const test = base.extend<Fixtures, { fakes: Fakes }>({
  engine: ["sqlite", { option: true }],

  fakes: [
    async ({}, use) => {
      const fakes = await startFakes();
      await use(fakes);
      fakes.stop();
    },
    { scope: "worker" },
  ],

  complaints: [
    async ({ context }, use) => {
      const complaints = new Complaints();
      complaints.watch(context);
      await use(complaints);
      expect(complaints.own).toEqual([]);
    },
    { auto: true },
  ],

  server: async ({ engine }, use) => {
    const server = await Kakoi.start(engine);
    await use(server);
    await server.stop();
  },

  workplace: async ({ server, page, fakes }, use) => {
    await setUp(server, page.request);
    await connectModel(server, page.request, fakes.openai, "fake-large", "庁内モデル");
    await page.goto(server.url);
    await use(server);
  },

  visit: async ({ browser, complaints }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options) => {
      const context = await browser.newContext({ locale: "ja-JP", timezoneId: "Asia/Tokyo", viewport: { width: 1366, height: 768 }, ...options });
      complaints.watch(context);
      contexts.push(context);
      return { page: await context.newPage(), request: context.request };
    });
    for (const context of contexts) await context.close();
  },
});

export { expect };
