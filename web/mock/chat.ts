import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";
import { partOf } from "../src/features/chat/attachable";
import type { Attachment, Conversation, FilePart, Message, Started, TextPart } from "../src/features/chat/api";
import type { NewShare, ShareChange } from "../src/features/share/api";
import { answerTo, assistant, conversations, user } from "./chat-samples";
import { mockShares } from "./shares";

/*
 * The conversation part of the stand-in: real streams with offsets, resumable,
 * in memory. Markers in a question steer it, as they steer the fake model servers:
 *   [[reason]] [[markdown]] [[long N]] [[rate N]] [[chunk N]] [[wait S]]
 *   [[length]] [[throttle]] [[broken]] [[interrupt]]   how the answer ends
 *   [[line N]]    so many are before it in line, one less every five seconds
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
  /** Persons before it in line; below 0 its turn has come. */
  ahead: number;
  stop: () => void;
}

/** A conversation with all its messages: a tree, of which leafId ends the branch that is open. */
interface Talk extends Conversation {
  messages: Message[];
  /** The answers that stand side by side. */
  compared: string[];
  summarised: boolean;
}

const encoder = new TextEncoder();

export function mockChat(): Plugin {
  const talks = new Map<string, Talk>();
  const runs = new Map<string, Run>();
  const files = new Map<string, { attachment: Attachment; body: Buffer }>();
  const followers = new Set<ServerResponse>();
  /** Turns that go however the answer before them ends. */
  const replacing = new Set<string>();
  let count = 0;

  const talkOf = (id: string, more: Partial<Talk> & Pick<Talk, "title" | "messages">): Talk => {
    const updatedAt = more.messages.at(-1)?.createdAt ?? new Date().toISOString();
    more.messages.forEach((message, i) => (message.parentId ??= more.messages[i - 1]?.id));
    return {
      id, titleSource: "model", modelId: "m-sonnet", parameters: {}, systemPrompt: "", createdAt: more.messages[0]?.createdAt ?? updatedAt, updatedAt, running: false,
      leafId: more.messages.at(-1)?.id ?? "", comparing: false, queue: [], tags: [], pinned: false, archived: false, compared: [], summarised: false, ...more,
    };
  };
  for (const [id, { title, messages }] of Object.entries(conversations())) talks.set(id, talkOf(id, { title, messages }));
  for (let i = 10; i < 140; i++) {
    const at = new Date(Date.now() - i * 86_400_000 * 0.7).toISOString();
    talks.set(`t-${i}`, talkOf(`t-${i}`, { title: `議事録の要約 ${i}`, modelId: "m-gemma", createdAt: at, updatedAt: at, messages: [user("要約してください", i * 1000), assistant("要約しました。", i * 1000)] }));
  }

  /** The branch that ends with a message. */
  function path(talk: Talk, leafId: string): Message[] {
    const out: Message[] = [];
    for (let at = talk.messages.find((message) => message.id === leafId); at; at = talk.messages.find((message) => message.id === at?.parentId)) out.unshift(at);
    return out;
  }

  const shares = mockShares((id) => {
    const talk = talks.get(id);
    return talk ? path(talk, talk.leafId).map((message) => shown(talk, message)) : [];
  });

  const shown = (talk: Talk, message: Message): Message => ({ ...message, siblingIds: talk.messages.filter((other) => other.parentId === message.parentId).map((other) => other.id) });

  const begun = (talk: Talk, answers: Message[], userMessage?: Message): Started => ({
    conversation: whole(talk),
    ...(userMessage && { userMessage }),
    answers: answers.map((answer) => shown(talk, answer)),
  });

  const tell = (id: string) => {
    for (const follower of followers) follower.write(`data: ${JSON.stringify({ type: "conversation", id })}\n\n`);
  };

  function begin(talk: Talk, question: string, message: Message): Run {
    const run: Run = { id: `r-${++count}`, message, conversation: talk.id, listeners: new Set(), done: false, drop: question.includes("[[drop]]"), ahead: Number(/\[\[line (\d+)\]\]/.exec(question)?.[1] ?? -1), stop: () => end({ status: "stopped", stopReason: undefined }) };
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
    let startedAt = Date.now();
    const timer = setInterval(() => {
      if (run.ahead >= 0) {
        if (Date.now() - startedAt < 5000) return;
        run.ahead--;
        startedAt = Date.now();
        for (const listener of run.listeners) listener();
        return;
      }
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
      talk.running = [...runs.values()].some((other) => other.conversation === talk.id && !other.done);
      if (talk.titleSource === "first_words") {
        talk.title = "題名をつけた会話";
        talk.titleSource = "model";
      }
      for (const listener of run.listeners) listener();
      tell(talk.id);
      const waiting = talk.queue[0];
      if (waiting && !talk.running && (how.status === "complete" || replacing.delete(waiting.id))) {
        talk.queue = talk.queue.slice(1);
        turn(talk, waiting);
      }
    }
    return run;
  }

  const modelNames: Record<string, string> = { "m-sonnet": "Claude Sonnet 4.5", "m-gemma": "Gemma 3 27B" };

  function newAnswer(talk: Talk, parentId: string, modelId = talk.modelId): Message {
    const message: Message = { ...assistant("", 0), parentId, finishedAt: undefined, modelId, modelName: modelNames[modelId] ?? modelId };
    talk.messages.push(message);
    return message;
  }

  function question(talk: Talk, leafId = talk.leafId): string {
    const asked = path(talk, leafId).filter((message) => message.role === "user").at(-1);
    return asked?.parts.map((part) => (part.type === "text" ? part.text : "")).join("") ?? "";
  }

  // One conversation is being answered from the start.
  const live = talks.get("t-1");
  if (live) {
    const answer = newAnswer(live, live.leafId);
    begin(live, `${question(live)}[[rate 20]]`, answer);
    live.leafId = answer.id;
  }

  interface Given {
    text?: string;
    attachmentIds?: string[];
    compareModelIds?: string[];
  }

  function turn(talk: Talk, { text = "", attachmentIds = [], compareModelIds = [] }: Given, parentId: string | undefined = talk.leafId, kept: FilePart[] = []): Started {
    const parts = attachmentIds.flatMap((id) => {
      const file = files.get(id);
      return file ? [partOf(file.attachment)] : kept.filter((part) => part.attachmentId === id);
    });
    const userMessage: Message = { ...user(text, 0, parts), ...(parentId && { parentId }) };
    talk.messages.push(userMessage);
    const answers = (compareModelIds.length > 1 ? compareModelIds : [talk.modelId]).map((modelId) => newAnswer(talk, userMessage.id, modelId));
    talk.leafId = answers[0]?.id ?? userMessage.id;
    talk.comparing = answers.length > 1;
    talk.compared = talk.comparing ? answers.map((answer) => answer.id) : [];
    for (const answer of answers) begin(talk, text, answer);
    return begun(talk, answers, userMessage);
  }

  function stream(run: Run, req: IncomingMessage, res: ServerResponse) {
    const from = /^(\d+):(\d+)$/.exec(String(req.headers["last-event-id"] ?? ""));
    let part = Number(from?.[1] ?? 0);
    let byte = Number(from?.[2] ?? 0);
    const write = (data: unknown, id?: string) => res.write(`${id ? `id: ${id}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
    let ahead = -1;
    const send = () => {
      if (run.ahead !== ahead) {
        ahead = run.ahead;
        write({ type: "data-queue", data: { waiting: ahead >= 0, ahead: Math.max(0, ahead), waitMs: (ahead + 1) * 5000 }, transient: true });
      }
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

  const summary = ({ id, title, titleSource, modelId, updatedAt, createdAt, running, tags, pinned, archived, folderId }: Talk) => ({ id, title, titleSource, modelId, updatedAt, createdAt, running, tags, pinned, archived, ...(folderId && { folderId }), ...(shares.isShared(id) && { shared: true }) });
  const whole = (talk: Talk): Conversation => ({ ...summary(talk), parameters: talk.parameters, systemPrompt: talk.systemPrompt, leafId: talk.leafId, comparing: talk.comparing, queue: talk.queue });

  async function handle(req: IncomingMessage, res: ServerResponse, next: Connect.NextFunction) {
    const url = new URL(req.url ?? "/", "http://localhost");
    const [, , , kind = "", id = "", act = "", sub = "", subAct = ""] = url.pathname.split("/");
    if (!url.pathname.startsWith("/api/v1/") || !["conversations", "messages", "runs", "events", "attachments", "shares", "people", "temporary"].includes(kind)) return next();
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
    if (kind === "temporary") {
      const { messages } = body() as { messages: { text: string }[] };
      const talk = talkOf("temporary", { title: "", messages: [] });
      return stream(begin(talk, messages.at(-1)?.text ?? "", newAnswer(talk, "")), req, res);
    }
    if (kind === "people") return json(shares.people(url.searchParams.get("search") ?? ""));
    if (kind === "shares") {
      if (id === "") return json({ items: plays.has("empty") ? [] : shares.list(url.searchParams.get("scope")) });
      const share = shares.one(id);
      if (!share) return problem(404, "not_found");
      switch (`${req.method ?? ""} ${act}`) {
        case "GET ":
          return json(share);
        case "PATCH ":
          return json(shares.change(share, body() as ShareChange));
        case "DELETE ":
          return shares.revoke(id), json({});
        case "GET messages":
          return json({ share: share, items: chained(share.messages()) });
        case "POST copy": {
          const copy = talkOf(`t-new-${++count}`, { title: share.title, messages: structuredClone(share.messages()) });
          talks.set(copy.id, copy);
          return json(whole(copy), 201);
        }
        default:
          return problem(404, "not_found");
      }
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

    if (kind === "messages") {
      const message = [...talks.values()].flatMap((talk) => talk.messages).find((one) => one.id === id);
      if (!message || act !== "feedback") return problem(404, "not_found");
      if (req.method === "DELETE") delete message.feedback;
      else message.feedback = body() as NonNullable<Message["feedback"]>;
      return json(message.feedback ?? {});
    }

    if (id === "") {
      if (req.method === "POST") {
        const given = body() as { modelId: string; parameters?: object; systemPrompt?: string; turn: { text: string; attachmentIds: string[] } };
        if (given.turn.text.includes("[[refuse]]")) return problem(503, "unavailable");
        const talk = talkOf(`t-new-${++count}`, { title: given.turn.text.slice(0, 30), titleSource: "first_words", modelId: given.modelId, parameters: given.parameters ?? {}, systemPrompt: given.systemPrompt ?? "", messages: [] });
        talks.set(talk.id, talk);
        return json(turn(talk, given.turn));
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
        const branch = path(talk, talk.leafId);
        const limit = Number(url.searchParams.get("limit") ?? 40);
        const before = url.searchParams.get("before");
        const end = before ? branch.findIndex((message) => message.id === before) : branch.length;
        const start = Math.max(0, end - limit);
        const items = branch.slice(start, end).map((message) => shown(talk, message));
        const compared = before ? [] : talk.messages.filter((message) => talk.compared.includes(message.id)).map((message) => shown(talk, message));
        return json({ items, leafId: talk.leafId, ...(start > 0 && { previousPageToken: items[0]?.id }), ...(compared.length > 0 && { compared }) });
      }
      case "POST turns": {
        const given = body() as Given & { whenBusy?: string };
        if (given.text?.includes("[[refuse]]")) return problem(503, "unavailable");
        if (!talk.running) return json(turn(talk, given), 202);
        if (given.whenBusy !== "queue" && given.whenBusy !== "replace") return problem(409, "run_active");
        const queued = { id: `q-${++count}`, text: given.text ?? "", attachmentIds: given.attachmentIds ?? [], createdAt: new Date().toISOString(), ...(given.compareModelIds && { compareModelIds: given.compareModelIds }) };
        if (given.whenBusy === "queue") talk.queue = [...talk.queue, queued];
        else {
          talk.queue = [queued, ...talk.queue];
          replacing.add(queued.id);
          for (const run of [...runs.values()]) if (run.conversation === id && !run.done) run.stop();
        }
        tell(id);
        return json({ ...begun(talk, []), queued }, 202);
      }
      case "POST queue": {
        const [waiting, ...rest] = talk.queue;
        if (!waiting) return problem(404, "not_found");
        if (talk.running) return problem(409, "run_active");
        talk.queue = rest;
        return json(turn(talk, waiting), 202);
      }
      case "PATCH queue":
        talk.queue = talk.queue.map((waiting) => (waiting.id === sub ? { ...waiting, ...body() } : waiting));
        tell(id);
        return json(talk.queue.find((waiting) => waiting.id === sub) ?? {});
      case "DELETE queue":
        talk.queue = talk.queue.filter((waiting) => waiting.id !== sub);
        tell(id);
        return json({});
      case "POST continue":
      case "POST retry": {
        const { messageId = talk.leafId } = body() as { messageId?: string };
        const message = talk.messages.find((one) => one.id === messageId);
        if (message?.role !== "assistant") return problem(409, "nothing_to_resume");
        const asked = question(talk, messageId).replaceAll(/\[\[(?:throttle|broken|interrupt|length)\]\]/g, "");
        if (act === "retry") message.parts = [];
        begin(talk, asked, message);
        return json(begun(talk, [message]), 202);
      }
      case "POST messages": {
        const message = talk.messages.find((one) => one.id === sub);
        if (!message) return problem(404, "not_found");
        if (talk.running) return problem(409, "run_active");
        const given = body() as Given & { modelId?: string };
        if (message.role === "user") {
          const started = turn(talk, given, message.parentId, message.parts.filter((part): part is FilePart => part.type === "image" || part.type === "document"));
          return json(started, 202);
        }
        const answer = newAnswer(talk, message.parentId ?? "", given.modelId);
        talk.leafId = answer.id;
        talk.comparing = false;
        talk.compared = [];
        if (subAct === "edit") {
          Object.assign(answer, { parts: [{ type: "text", text: given.text }], editedFromId: message.id, modelName: message.modelName, finishedAt: answer.createdAt, usage: undefined, cost: undefined });
          tell(id);
        } else begin(talk, question(talk), answer);
        return json(begun(talk, [answer]), 202);
      }
      case "PUT branch": {
        let leafId = (body() as { messageId: string }).messageId;
        for (;;) {
          const child = talk.messages.filter((message) => message.parentId === leafId).at(-1);
          if (!child) break;
          leafId = child.id;
        }
        Object.assign(talk, { leafId, comparing: false, compared: [] });
        tell(id);
        return json(whole(talk));
      }
      case "POST fork": {
        const { messageId } = body() as { messageId: string };
        const fork = talkOf(`t-new-${++count}`, { ...talk, title: talk.title, messages: path(talk, messageId), leafId: messageId, queue: [] });
        fork.id = `t-new-${count}`;
        talks.set(fork.id, fork);
        return json(whole(fork), 201);
      }
      case "GET shares":
        return json({ items: shares.of(id) });
      case "POST shares":
        return json(shares.create(talk, body() as NewShare), 201);
      case "GET context": {
        const words = path(talk, talk.leafId).flatMap((message) => message.parts).reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0);
        return json({ limitTokens: 32_768, reservedTokens: 4096, systemTokens: 310, summaryTokens: talk.summarised ? 420 : 0, fileTokens: 0, messageTokens: talk.summarised ? Math.min(words, 2000) : words, omitted: words > 28_000 && !talk.summarised ? 12 : 0, summarised: talk.summarised, usage: { inputTokens: 18_420, outputTokens: 6210, reasoningTokens: 310, cacheReadTokens: 1024, cacheWriteTokens: 0, estimated: false }, costs: [{ amount: 0.0236, currency: "USD" }] });
      }
      case "POST summary":
        await new Promise((resolve) => setTimeout(resolve, 1500));
        talk.summarised = true;
        return json({ messageId: talk.leafId, text: "手数料の改定について、条例と改定表をもとに案を作った。", modelName: "Gemma 3 27B" });
      case "DELETE summary":
        talk.summarised = false;
        return json({});
      default:
        return problem(404, "not_found");
    }
  }

  const use = (server: { middlewares: Connect.Server }) => {
    server.middlewares.use((req, res, next) => void handle(req, res, next).catch(next));
  };
  return { name: "kakoi:mock-chat", configureServer: use, configurePreviewServer: use };
}

/** Messages of one branch: each follows the one before it. */
function chained(messages: Message[]): Message[] {
  return messages.map((message, i) => ({ siblingIds: [message.id], parentId: messages[i - 1]?.id, ...message }));
}

async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
