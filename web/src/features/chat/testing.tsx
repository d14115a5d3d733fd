import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { Outlet, RouterProvider, createMemoryHistory, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { vi } from "vitest";
import { SideHistory } from "@/features/history/side-history";
import type { Me, Model, Schemas } from "@/lib/api/types";
import { encoder, sse } from "@/lib/stream/testing";
import { Toasts } from "@/ui/toast";
import type { Conversation, Message, Started } from "./api";
import { ConversationPage } from "./conversation-page";
import { StartPage } from "./start-page";
import { TemporaryPage } from "./temporary-page";

/** A call the page made. */
export interface Call {
  method: string;
  path: string;
  query: string;
  /** Of its body. */
  type: string;
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

  /** Breaks the connection off. */
  close(): void {
    this.controller?.close();
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
    this.on("GET /models", () => ({ items: this.models, ...(this.transcriber && { transcriber: this.transcriber }) }));
    this.on("GET /limits", () => this.limits);
    this.on("GET /conversations", () => ({ items: this.list }));
    this.on("GET /folders", () => ({ items: [] }));
    this.on("GET /events", () => this.events);
    this.on("PATCH /me/preferences", () => ({}));
  }

  me: Me = {
    account: { id: "p1", email: "saeki@midorino.example", name: "佐伯 由美子", roles: [], permissions: [], withheld: [], mustChangePassword: false },
  pending: [],
  secondFactor: { requirement: "optional", enrolled: false },
    preferences: { locale: "ja", theme: "system", sendKey: "enter", defaultModelId: "", defaultPromptId: "", density: "comfortable", calendar: "western" },
    version: "test",
  };
  models: Model[] = [model("m1", "標準モデル"), model("m2", "庁内モデル", { vision: false })];
  transcriber: Schemas["Transcriber"] | undefined;
  limits: Schemas["Limits"] = {
    messageBytes: 1 << 20,
    attachmentBytes: 20 << 20,
    attachmentsPerTurn: 10,
    importBytes: 1 << 30,
    attachmentTypes: ["application/pdf", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "image/gif", "image/jpeg", "image/png", "image/webp", ".csv", ".md", ".txt"],
    temporary: "allowed",
    defaultClass: 0,
  };
  list: unknown[] = [];

  on(route: string, handler: Handler): this {
    this.routes[route] = handler;
    return this;
  }

  /** A conversation with these messages, and the answers its page needs. */
  conversation(id: string, messages: Message[], more: Record<string, unknown> = {}): this {
    const items = chained(messages);
    const leafId = items.at(-1)?.id ?? "";
    this.on(`GET /conversations/${id}`, () => conversation(id, { leafId, ...more }));
    this.on(`GET /conversations/${id}/messages`, () => ({ items, leafId }));
    return this;
  }

  calledWith(route: string): Call[] {
    return this.calls.filter((call) => `${call.method} ${call.path}` === route);
  }

  readonly fetch = async (input: Request | string, init?: RequestInit): Promise<Response> => {
    const request = typeof input === "string" ? new Request(new URL(input, location.origin), { ...init, signal: undefined }) : input;
    const path = new URL(request.url).pathname.replace("/api/v1", "");
    const text = await request.text();
    const type = request.headers.get("Content-Type") ?? "";
    const call: Call = { method: request.method, path, query: new URL(request.url).search.slice(1), type, body: text && !type.startsWith("audio/") ? (JSON.parse(text) as Record<string, unknown>) : {}, lastEventId: request.headers.get("Last-Event-ID") };
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
    classes: [0, 1, 2, 3],
    isDefault: id === "m1",
  };
}

/** A conversation as the server gives it. */
export function conversation(id: string, more: Partial<Conversation> = {}): Conversation {
  return { id, title: `会話 ${id}`, titleSource: "model", modelId: "m1", parameters: {}, systemPrompt: "", createdAt: now, updatedAt: now, running: false, leafId: "", comparing: false, queue: [], tags: [], pinned: false, archived: false, ...more };
}

/** Messages of one branch: each follows the one before it. */
export function chained(messages: Message[]): Message[] {
  return messages.map((message, i) => {
    const parentId = message.parentId ?? messages[i - 1]?.id;
    return { siblingIds: [message.id], ...message, ...(parentId && { parentId }) };
  });
}

/** What a turn begins: a question after the message named, and its answers. */
export function started(id: string, after: string, question: Message | undefined, answers: Message[], more: Partial<Conversation> = {}): Started {
  const parentId = question?.id ?? after;
  return {
    conversation: conversation(id, { leafId: answers[0]?.id ?? after, running: true, ...more }),
    ...(question && { userMessage: { ...question, ...(after && { parentId: after }) } }),
    answers: answers.map((answer) => ({ ...answer, parentId })),
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
          <SideHistory />
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
  const temporary = createRoute({ getParentRoute: () => workplace, path: "/temporary", component: TemporaryPage });
  const router = createRouter({ routeTree: root.addChildren([workplace.addChildren([start, conversation, temporary])]), history: createMemoryHistory({ initialEntries: [path] }) });
  const view = render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  return { ...view, client, router };
}
