import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { untilSignedIn } from "@/lib/api/client";
import { type RunStream, type RunView, openRunStream } from "@/lib/stream";
import { type Message, type Part, type TextPart, conversationsKey, runUrl } from "./api";
import { putMessages, refreshMessages } from "./message-cache";

interface Followed {
  stream: RunStream;
  readers: number;
}

/** The runs that this page follows, each once however many components look. */
class RunHub {
  private readonly runs = new Map<string, Followed>();
  private readonly listeners = new Set<() => void>();
  private readonly client: QueryClient;

  constructor(client: QueryClient) {
    this.client = client;
  }

  /** Follows a run for as long as somebody looks; returns the way to stop looking. */
  acquire(conversationId: string, message: Message, runId: string): () => void {
    let followed = this.runs.get(runId);
    if (!followed) {
      followed = { stream: openRunStream({ url: runUrl(runId), seed: textParts(message), whenSignedOut: untilSignedIn }), readers: 0 };
      this.runs.set(runId, followed);
      followed.stream.subscribe(this.tell);
      void this.finish(conversationId, message, runId, followed.stream);
      this.tell();
    }
    followed.readers++;
    return () => {
      const current = this.runs.get(runId);
      if (!current || --current.readers > 0) return;
      // A component that only moves to another place comes back at once.
      setTimeout(() => {
        if (current.readers > 0 || this.runs.get(runId) !== current) return;
        current.stream.close();
        this.runs.delete(runId);
        this.tell();
      }, 1000);
    };
  }

  view(runId: string): RunView | undefined {
    return this.runs.get(runId)?.stream.getSnapshot();
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private readonly tell = () => {
    for (const listener of this.listeners) listener();
  };

  /** When the run has ended, what it said becomes the message, and the server's word settles the rest. */
  private async finish(conversationId: string, message: Message, runId: string, stream: RunStream): Promise<void> {
    const view = await stream.finished;
    if (this.runs.get(runId)?.stream !== stream) return;
    if (view.link === "ended") putMessages(this.client, conversationId, [finalMessage(message, view)]);
    try {
      await refreshMessages(this.client, conversationId);
    } catch {
      // What the stream said stands until the page is loaded again.
    }
    void this.client.invalidateQueries({ queryKey: conversationsKey });
    void this.client.invalidateQueries({ queryKey: ["conversation", conversationId] });
  }
}

/** The message as the end of its stream leaves it. */
export function finalMessage(message: Message, view: Pick<RunView, "metadata" | "parts">): Message {
  const { status, ...rest } = view.metadata;
  return {
    ...message,
    ...rest,
    status: status && status !== "running" ? status : "complete",
    parts: mergeParts(message.parts, view),
  };
}

/** The parts of the message with the stream's words in them. */
export function mergeParts(parts: readonly Part[], view: Pick<RunView, "parts">): Part[] {
  const files = parts.filter((part) => part.type === "image" || part.type === "document");
  return [...view.parts.map(({ type, text }): TextPart => ({ type, text })), ...files];
}

function textParts(message: Message): TextPart[] {
  return message.parts.filter((part): part is TextPart => part.type === "text" || part.type === "reasoning");
}

const hubs = new WeakMap<QueryClient, RunHub>();

function hubOf(client: QueryClient): RunHub {
  let hub = hubs.get(client);
  if (!hub) hubs.set(client, (hub = new RunHub(client)));
  return hub;
}

/** The stream of a message that is being written; undefined for one that is not. */
export function useRun(conversationId: string, message: Message): RunView | undefined {
  const hub = hubOf(useQueryClient());
  const runId = message.status === "running" ? message.runId : undefined;
  useEffect(() => {
    if (!runId) return;
    return hub.acquire(conversationId, message, runId);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the message only seeds the stream when it is opened
  }, [hub, conversationId, runId]);
  const view = useCallback(() => (runId ? hub.view(runId) : undefined), [hub, runId]);
  return useSyncExternalStore(hub.subscribe, view);
}
