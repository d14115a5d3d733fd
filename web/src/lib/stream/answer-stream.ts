import { ApiError, fromResponse } from "../api/error";
import { defaultSilence, isEventStream, readBody } from "./event-stream";
import { createFrameBatch } from "./frame";
import { decodeRunEvent } from "./run-events";
import { type RunSnapshot, RunTranscript } from "./run-transcript";

export interface AnswerStreamOptions {
  url: string;
  body: unknown;
  /** Ends the answer, at the server too. */
  signal: AbortSignal;
  /** Hears at most once per frame how far it has come. */
  onChange: (answer: RunSnapshot) => void;
  fetch?: typeof fetch;
  /** Silence after which the connection counts as dead; the server pings every 15 s. */
  silenceMs?: number;
}

/**
 * Asks for an answer that the server does not keep, and reads it to its end. There
 * is no coming back to it: a connection that breaks is the end of the answer.
 * Rejects with an ApiError when it was refused or broke, and with the signal's
 * reason when that ended it.
 */
export async function streamAnswer({ url, body, signal, onChange, ...options }: AnswerStreamOptions): Promise<RunSnapshot> {
  const transcript = new RunTranscript();
  const batch = createFrameBatch(() => onChange(transcript.snapshot));
  const connection = new AbortController();
  const cut = () => connection.abort();
  signal.addEventListener("abort", cut);
  if (signal.aborted) cut();
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  const watch = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(cut, options.silenceMs ?? defaultSilence);
  };
  try {
    const response = await (options.fetch ?? fetch)(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify(body),
      cache: "no-store",
      credentials: "same-origin",
      signal: connection.signal,
    });
    if (!response.ok || !response.body || !isEventStream(response)) throw fromResponse(response, await response.json().catch(() => undefined));
    watch();
    let heard = false;
    const ended = await readBody(
      response.body,
      (data) => {
        const event = decodeRunEvent(data);
        if (!event) return "go on";
        heard = true;
        transcript.apply(event);
        batch.request();
        return event.type === "done" ? "end" : "go on";
      },
      connection.signal,
      watch,
    ).catch(() => "broken" as const);
    batch.flush();
    signal.throwIfAborted();
    if (ended !== "end") throw new ApiError({ code: heard ? "model_broke_off" : "unreachable" });
    return transcript.snapshot;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(watchdog);
    batch.cancel();
    signal.removeEventListener("abort", cut);
    connection.abort();
  }
}
