import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";
import { partOf } from "../src/features/chat/attachable";
import type { Attachment, Conversation, Message, TextPart } from "../src/features/chat/api";
import { answerTo, assistant, conversations, user } from "./chat-samples";

/*
 * The conversation part of the stand-in: real streams with offsets, resumable,
 * in memory. Markers in a question steer it, as they steer the fake model servers:
 *   [[reason]] [[markdown]] [[long N]] [[rate N]] [[chunk N]] [[wait S]]
 *   [[length]] [[throttle]] [[broken]] [[interrupt]]   how the answer ends
 *   [[drop]]      the connection breaks every second; the page must reconnect
 *   [[refuse]]    the send itself fails
 */

interface Run {
  id: string;
  message: Message;
  conversation: string;
  listeners: Set<() => void>;
  done: boolean;
  drop: boolean;
  stop: () => void;
}

interface Talk extends Conversation {
  messages: Message[];
}

const encoder = new TextEncoder();

export function mockChat(): Plugin {
  const talks = new Map<string, Talk>();
  const runs = new Map<string, Run>();
  const files = new Map<string, { attachment: Attachment; body: Buffer }>();
  const followers = new Set<ServerResponse>();
  let count = 0;

  for (const [id, { title, messages }] of Object.entries(conversations())) {
    const updatedAt = messages[messages.length - 1]?.createdAt ?? new Date().toISOString();
    talks.set(id, { id, title, titleSource: "model", modelId: "m-sonnet", parameters: {}, systemPrompt: "", createdAt: messages[0]?.createdAt ?? updatedAt, updatedAt, running: false, messages });
  }
  for (let i = 10; i < 140; i++) {
    const at = new Date(Date.now() - i * 86_400_000 * 0.7).toISOString();
    talks.set(`t-${i}`, { id: `t-${i}`, title: `議事録の要約 ${i}`, titleSource: "model", modelId: "m-gemma", parameters: {}, systemPrompt: "", createdAt: at, updatedAt: at, running: false, messages: [user("要約してください", i * 1000), assistant("要約しました。", i * 1000)] });
  }

  const tell = (id: string) => {
    for (const follower of followers) follower.write(`data: ${JSON.stringify({ type: "conversation", id })}\n\n`);
  };

  function begin(talk: Talk, question: string, message: Message): Run {
    const run: Run = { id: `r-${++count}`, message, conversation: talk.id, listeners: new Set(), done: false, drop: question.includes("[[drop]]"), stop: () => end({ status: "stopped", stopReason: undefined }) };
    message.runId = run.id;
    message.status = "running";
    message.finishedAt = undefined;
    message.error = undefined;
    message.usage = undefined;
    message.cost = undefined;
    talk.running = true;
    talk.updatedAt = new Date().toISOString();
    runs.set(run.id, run);
    tell(talk.id);

    const rate = Number(/\[\[rate (\d+)\]\]/.exec(question)?.[1] ?? 60);
    const wait = Number(/\[\[wait (\d+)\]\]/.exec(question)?.[1] ?? 0.4) * 1000;
    const size = Number(/\[\[chunk (\d+)\]\]/.exec(question)?.[1] ?? 3);
    const answer = answerTo(question);
    const pieces: { kind: "text" | "reasoning"; text: string }[] = [];
    for (const kind of ["reasoning", "text"] as const) {
      const letters = Array.from(answer[kind]);
      for (let i = 0; i < letters.length; i += size) pieces.push({ kind, text: letters.slice(i, i + size).join("") });
    }
    const faulty = /\[\[(throttle|broken|interrupt|length)\]\]/.exec(question)?.[1];
    let next = 0;
    const startedAt = Date.now();
    const timer = setInterval(() => {
      if (Date.now() - startedAt < wait) return;
      if (faulty === "throttle") return end({ status: "failed", error: { code: "model_throttled" } });
      if (faulty && next > 40) {
        if (faulty === "length") return end({ status: "complete", stopReason: "length" });
        return end(faulty === "broken" ? { status: "failed", error: { code: "model_broke_off" } } : { status: "interrupted", error: { code: "run_interrupted" } });
      }
      const piece = pieces[next++];
      if (!piece) return end({ status: "complete", stopReason: "end" });
      const parts = message.parts as TextPart[];
      const last = parts[parts.length - 1];
      if (last?.type === piece.kind) last.text += piece.text;
      else parts.push({ type: piece.kind, text: piece.text });
      for (const listener of run.listeners) listener();
    }, 1000 / rate);

    function end(how: Partial<Message>) {
      clearInterval(timer);
      if (run.done) return;
      Object.assign(message, how, { finishedAt: new Date().toISOString(), firstTokenMs: wait, ...(answer.reasoning && { reasoningMs: 12_000 }), usage: { inputTokens: 420, outputTokens: next * 2, reasoningTokens: 0 }, cost: { amount: 0.42, currency: "JPY" } });
      run.done = true;
      talk.running = false;
      if (talk.titleSource === "first_words") {
        talk.title = "題名をつけた会話";
        talk.titleSource = "model";
      }
      for (const listener of run.listeners) listener();
      tell(talk.id);
    }
    return run;
  }

  function newAnswer(talk: Talk): Message {
    const message: Message = { ...assistant("", 0), finishedAt: undefined, modelId: talk.modelId };
    talk.messages.push(message);
    return message;
  }

  function question(talk: Talk): string {
    const asked = talk.messages.filter((message) => message.role === "user").at(-1);
    return asked?.parts.map((part) => (part.type === "text" ? part.text : "")).join("") ?? "";
  }

  // One conversation is being answered from the start.
  const live = talks.get("t-1");
  if (live) begin(live, `${question(live)}[[rate 20]]`, newAnswer(live));

  function turn(talk: Talk, body: { text: string; attachmentIds: string[] }) {
    const parts = body.attachmentIds.flatMap((id) => {
      const file = files.get(id);
      return file ? [partOf(file.attachment)] : [];
    });
    const userMessage = user(body.text, 0, parts);
    talk.messages.push(userMessage);
    const assistantMessage = newAnswer(talk);
    const run = begin(talk, body.text, assistantMessage);
    return { userMessage, assistantMessage, runId: run.id };
  }

  function stream(run: Run, req: IncomingMessage, res: ServerResponse) {
    const from = /^(\d+):(\d+)$/.exec(String(req.headers["last-event-id"] ?? ""));
    let part = Number(from?.[1] ?? 0);
    let byte = Number(from?.[2] ?? 0);
    const write = (data: unknown, id?: string) => res.write(`${id ? `id: ${id}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
    const send = () => {
      const parts = run.message.parts as TextPart[];
      for (; part < parts.length; part++, byte = 0) {
        const { type, text } = parts[part] as TextPart;
        const bytes = encoder.encode(text);
        if (byte === 0) write({ type: `${type}-start`, id: String(part) }, `${part}:0`);
        if (bytes.length > byte) {
          write({ type: `${type}-delta`, id: String(part), delta: new TextDecoder().decode(bytes.slice(byte)) }, `${part}:${bytes.length}`);
          byte = bytes.length;
        }
        if (part === parts.length - 1 && !run.done) break;
        write({ type: `${type}-end`, id: String(part) });
      }
      if (!run.done) return;
      const { status, stopReason, error, usage, cost, finishedAt, modelId, modelName, firstTokenMs, reasoningMs } = run.message;
      write({ type: "data-usage", data: { usage, cost } });
      write({ type: "finish", messageMetadata: { status, stopReason, error, usage, cost, finishedAt, modelId, modelName, firstTokenMs, reasoningMs } });
      write("[DONE]");
      leave();
      res.end();
    };
    const cut = run.drop ? setTimeout(() => (leave(), res.destroy()), 1000) : undefined;
    const leave = () => {
      clearTimeout(cut);
      run.listeners.delete(send);
    };
    head(res);
    write({ type: "start", messageId: run.message.id });
    run.listeners.add(send);
    req.on("close", leave);
    send();
  }

  function head(res: ServerResponse) {
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store", "x-vercel-ai-ui-message-stream": "v1" });
    res.write(": ping\n\n");
  }

  const summary = ({ id, title, titleSource, modelId, updatedAt, createdAt, running }: Talk) => ({ id, title, titleSource, modelId, updatedAt, createdAt, running });
  const whole = (talk: Talk) => ({ ...summary(talk), parameters: talk.parameters, systemPrompt: talk.systemPrompt });

  async function handle(req: IncomingMessage, res: ServerResponse, next: Connect.NextFunction) {
    const url = new URL(req.url ?? "/", "http://localhost");
    const [, , , kind = "", id = "", act = ""] = url.pathname.split("/");
    if (!url.pathname.startsWith("/api/v1/") || !["conversations", "runs", "events", "attachments"].includes(kind)) return next();
    const cookie = decodeURIComponent(/(?:^|;\s*)mock=([^;]*)/.exec(req.headers.cookie ?? "")?.[1] ?? "");
    const plays = new Set(cookie.split(/[ ,+]/));
    if (plays.has("slow")) await new Promise((resolve) => setTimeout(resolve, 3000));
    const raw = await readBody(req);
    const json = (body: unknown, status = 200) => {
      res.writeHead(status, { "Content-Type": status < 400 ? "application/json" : "application/problem+json", "X-Request-Id": "01993c5e-7a41" });
      res.end(JSON.stringify(body));
    };
    const problem = (status: number, code: string) => json({ type: "about:blank", title: code, status, code, detail: code, requestId: "01993c5e-7a41" }, status);
    const body = () => (raw.length > 0 ? (JSON.parse(raw.toString()) as Record<string, unknown>) : {});

    if (kind === "events") {
      head(res);
      followers.add(res);
      req.on("close", () => followers.delete(res));
      return;
    }
    if (plays.has("fail")) return problem(500, "internal");
    if (kind === "runs") {
      const run = runs.get(id);
      if (!run) return problem(404, "not_found");
      if (act === "events") return stream(run, req, res);
      if (run.done) return problem(409, "run_not_active");
      run.stop();
      return json({});
    }
    if (kind === "attachments") {
      if (req.method === "POST") {
        const name = url.searchParams.get("name") ?? "";
        if (name.includes("big")) return problem(413, "too_large");
        const attachment = { id: `f-${++count}`, name, mediaType: String(req.headers["content-type"]), size: raw.length };
        files.set(attachment.id, { attachment, body: raw });
        return json(attachment);
      }
      const file = files.get(id);
      if (req.method === "DELETE") return files.delete(id), json({});
      if (!file) return problem(404, "not_found");
      res.writeHead(200, { "Content-Type": file.attachment.mediaType });
      return res.end(file.body);
    }

    if (id === "") {
      if (req.method === "POST") {
        const given = body() as { modelId: string; parameters?: object; systemPrompt?: string; turn: { text: string; attachmentIds: string[] } };
        if (given.turn.text.includes("[[refuse]]")) return problem(503, "unavailable");
        const at = new Date().toISOString();
        const talk: Talk = { id: `t-new-${++count}`, title: given.turn.text.slice(0, 30), titleSource: "first_words", modelId: given.modelId, parameters: given.parameters ?? {}, systemPrompt: given.systemPrompt ?? "", createdAt: at, updatedAt: at, running: true, messages: [] };
        talks.set(talk.id, talk);
        const started = turn(talk, given.turn);
        return json({ conversation: whole(talk), ...started });
      }
      const all = plays.has("empty") ? [] : [...talks.values()].sort((a, b) => b.updatedAt.localeCompare(a.updatedAt)).map(summary);
      const at = Number(url.searchParams.get("pageToken") ?? 0);
      const limit = Number(url.searchParams.get("limit") ?? 50);
      return json({ items: all.slice(at, at + limit), ...(at + limit < all.length && { nextPageToken: String(at + limit) }) });
    }

    const talk = talks.get(id);
    if (!talk) return problem(404, "not_found");
    switch (`${req.method ?? ""} ${act}`) {
      case "GET ":
        return json(whole(talk));
      case "PATCH ":
        Object.assign(talk, body());
        tell(id);
        return json(whole(talk));
      case "DELETE ":
        talks.delete(id);
        tell(id);
        return json({});
      case "GET messages": {
        const limit = Number(url.searchParams.get("limit") ?? 40);
        const end = Number(url.searchParams.get("before") ?? talk.messages.length);
        const start = Math.max(0, end - limit);
        return json({ items: talk.messages.slice(start, end), ...(start > 0 && { previousPageToken: String(start) }) });
      }
      case "POST turns": {
        const given = body() as { text: string; attachmentIds: string[] };
        if (given.text.includes("[[refuse]]")) return problem(503, "unavailable");
        if (talk.running) return problem(409, "run_active");
        return json(turn(talk, given), 202);
      }
      case "POST continue":
      case "POST retry": {
        const message = talk.messages.at(-1);
        if (message?.role !== "assistant") return problem(409, "nothing_to_resume");
        const asked = question(talk).replaceAll(/\[\[(?:throttle|broken|interrupt|length)\]\]/g, "");
        if (act === "retry") message.parts = [];
        const run = begin(talk, asked, message);
        return json({ assistantMessage: message, runId: run.id }, 202);
      }
      default:
        return problem(404, "not_found");
    }
  }

  const use = (server: { middlewares: Connect.Server }) => {
    server.middlewares.use((req, res, next) => void handle(req, res, next).catch(next));
  };
  return { name: "kakoi:mock-chat", configureServer: use, configurePreviewServer: use };
}

async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
