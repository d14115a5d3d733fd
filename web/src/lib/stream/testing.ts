/** Streams for tests: what a run says, cut up as a network cuts. */

export const encoder = new TextEncoder();

/** The lines of one event. */
export function sse(data: unknown, id?: string): string {
  const body = typeof data === "string" ? data : JSON.stringify(data);
  return `${id === undefined ? "" : `id: ${id}\n`}data: ${body}\n\n`;
}

/** A body that gives these chunks and then ends; or, with `hang`, never ends. */
export function bodyOf(chunks: readonly Uint8Array[], hang = false): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks[at++];
      if (chunk) controller.enqueue(chunk);
      else if (!hang) controller.close();
    },
  });
}

export function streamResponse(body: ReadableStream<Uint8Array> | string, status = 200): Response {
  return new Response(body, { status, headers: { "Content-Type": "text/event-stream" } });
}

export const done = sse("[DONE]");

/** A run that says `text` in deltas of these many characters, with true byte offsets. */
export function recordRun(text: string, size: number, reasoning = "考え中です🤔。"): string {
  let out = sse({ type: "start", messageId: "m1" }, "0:0") + sse({ type: "reasoning-start", id: "0" }, "0:0");
  out += deltas("reasoning-delta", 0, reasoning, size);
  out += sse({ type: "reasoning-end", id: "0" }) + sse({ type: "text-start", id: "1" }, "1:0");
  out += deltas("text-delta", 1, text, size);
  out += sse({ type: "text-end", id: "1" });
  out += sse({ type: "data-usage", data: { usage: { inputTokens: 12, outputTokens: 34 }, cost: { amount: 0.5, currency: "JPY" } } });
  out += sse({ type: "finish", messageMetadata: { status: "complete", stopReason: "end", modelName: "試験用モデル" } });
  return out + done;
}

export function deltas(type: string, part: number, text: string, size: number, from = 0): string {
  let out = "";
  let bytes = from;
  const letters = Array.from(text);
  for (let i = 0; i < letters.length; i += size) {
    const delta = letters.slice(i, i + size).join("");
    bytes += encoder.encode(delta).length;
    out += sse({ type, id: String(part), delta }, `${part}:${bytes}`);
  }
  return out;
}
