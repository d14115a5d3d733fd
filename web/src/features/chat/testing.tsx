import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Outlet, RouterProvider, createMemoryHistory, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { vi } from "vitest";
import type { Me, Model } from "@/lib/api/types";
import { encoder, sse } from "@/lib/stream/testing";
import { Toasts } from "@/ui/toast";
import type { Message } from "./api";
import { ConversationPage } from "./conversation-page";
import { History } from "./history";
import { StartPage } from "./start-page";

/** A call the page made. */
export interface Call {
  method: string;
  path: string;
  body: Record<string, unknown>;
  lastEventId: string | null;
}

type Answer = unknown;
type Handler = (call: Call) => Answer | Promise<Answer>;

/** A failure with a code, as the server gives it. */
export class Problem {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string) {
    this.status = status;
    this.code = code;
  }
}

/** A stream the test writes to. */
export class Live {
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      this.controller = controller;
    },
  });

  send(data: unknown, id?: string): this {
    this.controller?.enqueue(encoder.encode(sse(data, id)));
    return this;
  }

  text(part: number, text: string, from = 0): this {
    return this.send({ type: "text-delta", id: String(part), delta: text }, `${part}:${from + encoder.encode(text).length}`);
  }

  end(metadata: object = { status: "complete", stopReason: "end" }): this {
    this.send({ type: "finish", messageMetadata: metadata }).send("[DONE]");
    this.controller?.close();
    return this;
  }
}

/** The API as the page sees it: routes by "METHOD /path", a list of what was asked. */
export class FakeApi {
  readonly calls: Call[] = [];
  readonly routes: Record<string, Handler> = {};
  readonly events = new Live();

  constructor() {
    this.on("GET /me", () => this.me);
    this.on("GET /models", () => ({ items: this.models }));
    this.on("GET /conversations", () => ({ items: this.list }));
    this.on("GET /events", () => this.events);
    this.on("PATCH /me/preferences", () => ({}));
  }

  me: Me = {
    account: { id: "p1", email: "saeki@midorino.example", name: "佐伯 由美子", role: "member", mustChangePassword: false },
    preferences: { locale: "ja", theme: "system", sendKey: "enter", defaultModelId: "" },
    version: "test",
  };
  models: Model[] = [model("m1", "標準モデル"), model("m2", "庁内モデル", { vision: false })];
  list: unknown[] = [];

  on(route: string, handler: Handler): this {
    this.routes[route] = handler;
    return this;
  }

  /** A conversation with these messages, and the answers its page needs. */
  conversation(id: string, messages: Message[], more: Record<string, unknown> = {}): this {
    this.on(`GET /conversations/${id}`, () => ({ id, title: `会話 ${id}`, titleSource: "model", modelId: "m1", parameters: {}, systemPrompt: "", createdAt: now, updatedAt: now, running: false, ...more }));
    this.on(`GET /conversations/${id}/messages`, () => ({ items: messages }));
    return this;
  }

  calledWith(route: string): Call[] {
    return this.calls.filter((call) => `${call.method} ${call.path}` === route);
  }

  readonly fetch = async (input: Request | string, init?: RequestInit): Promise<Response> => {
    const request = typeof input === "string" ? new Request(new URL(input, location.origin), { ...init, signal: undefined }) : input;
    const path = new URL(request.url).pathname.replace("/api/v1", "");
    const text = await request.text();
    const call: Call = { method: request.method, path, body: text ? (JSON.parse(text) as Record<string, unknown>) : {}, lastEventId: request.headers.get("Last-Event-ID") };
    this.calls.push(call);
    const handler = this.routes[`${call.method} ${path}`];
    const answer = handler ? await handler(call) : new Problem(404, "not_found");
    if (answer instanceof Problem) return Response.json({ code: answer.code, detail: answer.code, requestId: "q1" }, { status: answer.status });
    if (answer instanceof Live) return new Response(answer.body, { headers: { "Content-Type": "text/event-stream" } });
    return Response.json(answer);
  };
}

export const now = "2026-11-22T05:00:00Z";

export function model(id: string, displayName: string, capabilities: Partial<Model["capabilities"]> = {}): Model {
  return {
    id,
    displayName,
    description: "",
    capabilities: { vision: true, documents: false, reasoning: false, tools: false, contextTokens: 0, outputTokens: 0, ...capabilities },
    defaults: {},
    connectionKind: "openai",
    connectionName: "庁内",
    demo: false,
    processedAt: "llm.example",
    place: { kind: "host", name: "llm.example" },
    isDefault: id === "m1",
  };
}

export function said(id: string, text: string): Message {
  return { id, role: "user", status: "complete", parts: [{ type: "text", text }], createdAt: now };
}

export function answered(id: string, text: string, more: Partial<Message> = {}): Message {
  return { id, role: "assistant", status: "complete", stopReason: "end", parts: text === "" ? [] : [{ type: "text", text }], modelName: "標準モデル", createdAt: now, finishedAt: now, ...more };
}

/** Shows the pages of the conversation against a fake API. */
export function show(api: FakeApi, path: string) {
  vi.stubGlobal("fetch", api.fetch);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(["me"], api.me);
  const root = createRootRoute({ component: Outlet });
  const workplace = createRoute({
    getParentRoute: () => root,
    id: "workplace",
    component: () => (
      <>
        <nav aria-label="履歴">
          <History />
        </nav>
        <main>
          <Outlet />
        </main>
        <Toasts />
      </>
    ),
  });
  const start = createRoute({ getParentRoute: () => workplace, path: "/", component: StartPage });
  const conversation = createRoute({ getParentRoute: () => workplace, path: "/c/$conversationId", component: ConversationPage });
  const router = createRouter({ routeTree: root.addChildren([workplace.addChildren([start, conversation])]), history: createMemoryHistory({ initialEntries: [path] }) });
  const view = render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  return { ...view, client, router };
}
