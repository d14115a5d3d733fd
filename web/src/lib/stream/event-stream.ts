import { createParser } from "eventsource-parser";

/** How a followed stream stands, for the quiet line that tells the reader. */
export type LinkState = "connecting" | "live" | "reconnecting" | "offline";

/** What a message of the stream asks the link to do next. */
export type Verdict = "go on" | "end" | "reconnect";

export interface FollowOptions {
  url: string;
  /** The id to resume from, asked anew before each connection. */
  lastEventId?: () => string | undefined;
  /** Called for each event in order. */
  onMessage: (data: string, id: string | undefined) => Verdict;
  onState?: (state: LinkState) => void;
  signal: AbortSignal;
  /** Waits until somebody is signed in again; without it, a session that has ended is a refusal. */
  whenSignedOut?: ((signal: AbortSignal) => Promise<void>) | undefined;
  fetch?: typeof fetch;
  /** Silence after which a connection counts as dead; the server pings every 15 s. */
  silenceMs?: number;
  random?: () => number;
}

/** The server's refusal to open the stream; trying again would not help. */
export class StreamRefused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the stream was refused with status ${status}`);
    this.name = "StreamRefused";
    this.status = status;
  }
}

const firstDelay = 400;
const longestDelay = 15_000;
export const defaultSilence = 45_000;

/**
 * Reads a server-sent event stream until onMessage ends it or the signal aborts,
 * through every break: a connection that ends, fails, falls silent or was lost
 * while the machine slept is opened again from the last id, after a growing,
 * jittered delay, at once when the network or the reader comes back. Rejects with
 * StreamRefused when the server says the stream is not to be had (4xx).
 */
export async function followEventStream(options: FollowOptions): Promise<void> {
  const { signal, onState } = options;
  const silence = options.silenceMs ?? defaultSilence;
  const random = options.random ?? Math.random;
  let failures = 0;
  let state: LinkState | undefined;
  const say = (next: LinkState) => {
    if (state !== next) onState?.((state = next));
  };

  say("connecting");
  while (!signal.aborted) {
    const outcome = await connectOnce(
      options,
      silence,
      () => say("live"),
      () => (failures = 0),
    ).catch((error: unknown) => {
      if (options.whenSignedOut && error instanceof StreamRefused && error.status === 401) return "signed out" as const;
      throw error;
    });
    if (outcome === "end" || signal.aborted) return;
    if (outcome === "signed out") {
      say("reconnecting");
      await options.whenSignedOut?.(signal);
      continue;
    }
    say(isOffline() ? "offline" : "reconnecting");
    const delay = Math.min(longestDelay, firstDelay * 2 ** failures);
    failures++;
    await pause(delay * (0.5 + random() / 2), signal);
  }
}

/** One connection from request to end. "broken" means: try again. */
async function connectOnce(
  options: FollowOptions,
  silence: number,
  onAlive: () => void,
  onProgress: () => void,
): Promise<"end" | "broken"> {
  const connection = new AbortController();
  const cut = () => connection.abort();
  options.signal.addEventListener("abort", cut);
  let heardAt = Date.now();
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  const watch = () => {
    heardAt = Date.now();
    clearTimeout(watchdog);
    watchdog = setTimeout(cut, silence);
  };
  // Timers stand still while the machine sleeps: look at the clock on waking.
  const wake = () => {
    if (!document.hidden && Date.now() - heardAt > silence) cut();
  };
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);

  try {
    watch();
    const lastEventId = options.lastEventId?.();
    const response = await (options.fetch ?? fetch)(options.url, {
      headers: {
        Accept: "text/event-stream",
        ...(lastEventId !== undefined && { "Last-Event-ID": lastEventId }),
      },
      cache: "no-store",
      credentials: "same-origin",
      signal: connection.signal,
    });
    if (isRefusal(response.status)) {
      void response.body?.cancel();
      throw new StreamRefused(response.status);
    }
    if (!response.ok || !response.body || !isEventStream(response)) {
      void response.body?.cancel();
      return "broken";
    }
    const onMessage: FollowOptions["onMessage"] = (data, id) => {
      const verdict = options.onMessage(data, id);
      if (verdict === "go on") onProgress(); // a server that is merely reachable is no reason to hurry
      return verdict;
    };
    return await readBody(response.body, onMessage, connection.signal, () => {
      watch();
      onAlive();
    });
  } catch (error) {
    if (error instanceof StreamRefused) throw error;
    return "broken";
  } finally {
    clearTimeout(watchdog);
    document.removeEventListener("visibilitychange", wake);
    window.removeEventListener("online", wake);
    options.signal.removeEventListener("abort", cut);
    connection.abort();
  }
}

/** Reads the events of one response. "broken": it ended before onMessage said so. */
export async function readBody(
  body: ReadableStream<Uint8Array>,
  onMessage: FollowOptions["onMessage"],
  cut: AbortSignal,
  onBytes: () => void,
): Promise<"end" | "broken"> {
  // Bytes, not strings, are what the network splits: the decoder keeps the
  // first half of a character until the second arrives.
  const decoder = new TextDecoder();
  let verdict: Verdict = "go on";
  const parser = createParser({
    onEvent: (event) => {
      if (verdict === "go on") verdict = onMessage(event.data, event.id);
    },
  });
  const reader = body.getReader();
  cut.addEventListener("abort", () => void reader.cancel().catch(() => undefined));
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return "broken";
    onBytes();
    parser.feed(decoder.decode(value, { stream: true }));
    if (verdict !== "go on") return verdict === "end" ? "end" : "broken";
  }
}

/** Waits, but no longer than until the network or the reader is back. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      window.removeEventListener("online", finish);
      document.removeEventListener("visibilitychange", seen);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const seen = () => {
      if (!document.hidden) finish();
    };
    const timer = setTimeout(finish, ms);
    window.addEventListener("online", finish);
    document.addEventListener("visibilitychange", seen);
    signal.addEventListener("abort", finish);
    if (signal.aborted) finish();
  });
}

function isOffline(): boolean {
  return navigator.onLine === false;
}

/** A 4xx is an answer; 408, 425 and 429 only mean "later". */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}

export function isEventStream(response: Response): boolean {
  return (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
}

/** Reads the events of a response that there is no coming back to; false when it broke or fell silent. */
export async function readEvents(body: ReadableStream<Uint8Array>, onMessage: FollowOptions["onMessage"], signal: AbortSignal, silence = defaultSilence): Promise<boolean> {
  const cut = new AbortController();
  const end = () => cut.abort();
  signal.addEventListener("abort", end);
  let watchdog = setTimeout(end, silence);
  try {
    const ended = await readBody(body, onMessage, cut.signal, () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(end, silence);
    }).catch(() => "broken" as const);
    return ended === "end";
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener("abort", end);
    cut.abort();
  }
}
