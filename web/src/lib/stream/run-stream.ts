import { type LinkState, type Verdict, StreamRefused, followEventStream } from "./event-stream";
import { createFrameBatch } from "./frame";
import { type TextKind, decodeRunEvent } from "./run-events";
import { type RunSnapshot, RunTranscript } from "./run-transcript";

/** How following a run stands. "refused": the server does not have it (any more). */
export type RunLink = LinkState | "ended" | "refused";

export interface RunView extends RunSnapshot {
  link: RunLink;
  /** The status of the refusal, where link is "refused". */
  refusal?: number;
}

export interface RunStreamOptions {
  url: string;
  /** The answer's parts as the store had them; the stream goes on from there. */
  seed?: readonly { type: TextKind; text: string }[];
  whenSignedOut?: (signal: AbortSignal) => Promise<void>;
  fetch?: typeof fetch;
  silenceMs?: number;
  random?: () => number;
}

/** A run being followed: an external store for React (useSyncExternalStore). */
export interface RunStream {
  getSnapshot(): RunView;
  subscribe(listener: () => void): () => void;
  /** Resolves when the stream has ended, was refused, or was closed. */
  finished: Promise<RunView>;
  close(): void;
}

/** Follows a run to its end, telling listeners at most once per frame. */
export function openRunStream(options: RunStreamOptions): RunStream {
  const transcript = new RunTranscript(options.seed);
  const closing = new AbortController();
  const listeners = new Set<() => void>();
  let link: RunLink = "connecting";
  let refusal: number | undefined;
  let gaps = 0;
  let view = makeView();

  function makeView(): RunView {
    return { ...transcript.snapshot, link, ...(refusal !== undefined && { refusal }) };
  }
  const batch = createFrameBatch(() => {
    view = makeView();
    for (const listener of listeners) listener();
  });

  function take(data: string, id: string | undefined): Verdict {
    const event = decode(data);
    if (event === "broken") return "reconnect";
    if (!event) return "go on";
    const applied = transcript.apply(event, id);
    if (applied === "gap") {
      // Ask again from where we are; if that does not close the hole, our text
      // is not the server's: start over.
      if (++gaps > 1) transcript.reset();
      batch.request();
      return "reconnect";
    }
    if (applied === "changed") {
      if (event.type === "delta") gaps = 0;
      batch.request();
    }
    return event.type === "done" ? "end" : "go on";
  }

  async function follow(): Promise<RunView> {
    try {
      await followEventStream({
        url: options.url,
        lastEventId: () => transcript.place,
        onMessage: take,
        onState: (state) => {
          link = state;
          if (state !== "live") transcript.leaveLine();
          batch.request();
        },
        signal: closing.signal,
        whenSignedOut: options.whenSignedOut,
        ...(options.fetch && { fetch: options.fetch }),
        ...(options.silenceMs !== undefined && { silenceMs: options.silenceMs }),
        ...(options.random && { random: options.random }),
      });
      if (transcript.snapshot.done) link = "ended";
    } catch (error) {
      link = "refused";
      refusal = error instanceof StreamRefused ? error.status : undefined;
    }
    if (!closing.signal.aborted) {
      batch.request();
      batch.flush();
    }
    return makeView();
  }

  return {
    getSnapshot: () => view,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    finished: follow(),
    close() {
      closing.abort();
      batch.cancel();
    },
  };
}

/** Data that is not JSON is a damaged connection, not an event to skip. */
function decode(data: string): ReturnType<typeof decodeRunEvent> | "broken" {
  try {
    return decodeRunEvent(data);
  } catch {
    return "broken";
  }
}
