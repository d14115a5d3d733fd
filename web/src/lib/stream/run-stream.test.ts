import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openRunStream } from "./run-stream";
import { bodyOf, deltas, done, encoder, recordRun, sse, streamResponse } from "./testing";

const text = "# 見出し\n\n日本語と絵文字🗾と、家族👨‍👩‍👧‍👦です。\n\n| 項目 | 金額 |\n|---|---|\n| 粗大ごみ | 1,000円 |\n";

/** Answers each connection with the next body, and notes what it was asked to resume from. */
function server(...answers: (() => Response | Promise<Response>)[]) {
  const asked: (string | null)[] = [];
  let at = 0;
  const fetch = vi.fn((_url: string | URL | Request, init?: RequestInit) => {
    asked.push(new Headers(init?.headers).get("Last-Event-ID"));
    const answer = answers[Math.min(at++, answers.length - 1)];
    return Promise.resolve(answer?.() ?? streamResponse(done)).then((response) => {
      // As the browser does: an aborted request breaks its body.
      init?.signal?.addEventListener("abort", () => void response.body?.cancel().catch(() => undefined));
      return response;
    });
  });
  return { fetch: fetch as unknown as typeof globalThis.fetch, asked, calls: fetch };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function finish(run: ReturnType<typeof openRunStream>) {
  let over = false;
  void run.finished.then(() => (over = true));
  for (let i = 0; i < 400 && !over; i++) await vi.advanceTimersByTimeAsync(100);
  expect(over).toBe(true);
  return run.finished;
}

const said = (view: { parts: readonly { text: string }[] }) => view.parts.map((part) => part.text);

describe("a run's stream", () => {
  // GenU parsed what each read of the network gave, which a cut broke (its defect D13).
  it("reads the same however the bytes are cut", async () => {
    vi.useRealTimers();
    const recording = encoder.encode(recordRun("日本語🗾。終", 2));
    for (let cut = 0; cut <= recording.length; cut++) {
      const chunks = [recording.slice(0, cut), recording.slice(cut)].filter((chunk) => chunk.length > 0);
      const { fetch } = server(() => streamResponse(bodyOf(chunks)));
      const view = await openRunStream({ url: "/run", fetch }).finished;
      expect(said(view)).toEqual(["考え中です🤔。", "日本語🗾。終"]);
      expect(view.link).toBe("ended");
    }
  });

  it("reads one byte at a time", async () => {
    vi.useRealTimers();
    const recording = encoder.encode(recordRun(text, 3));
    const { fetch } = server(() => streamResponse(bodyOf(Array.from(recording, (byte) => Uint8Array.of(byte)))));
    const view = await openRunStream({ url: "/run", fetch }).finished;
    expect(said(view)[1]).toBe(text);
    expect(view.metadata).toMatchObject({ status: "complete", usage: { outputTokens: 34 }, cost: { amount: 0.5 } });
  });

  it("neither loses nor doubles a character when it breaks at any byte and the server repeats itself", async () => {
    const whole = recordRun("日本語🗾です。", 1);
    const recording = encoder.encode(whole);
    for (let cut = 0; cut < recording.length; cut += 7) {
      // The second connection starts over, in other pieces: the page must see to it itself.
      const { fetch } = server(
        () => streamResponse(bodyOf([recording.slice(0, cut)])),
        () => streamResponse(recordRun("日本語🗾です。", 4)),
      );
      const run = openRunStream({ url: "/run", fetch, random: () => 0 });
      expect(said(await finish(run))).toEqual(["考え中です🤔。", "日本語🗾です。"]);
    }
  });

  it("asks for what comes after its last byte, and goes on", async () => {
    const { fetch, asked } = server(
      () => streamResponse(bodyOf([encoder.encode(sse({ type: "start", messageId: "m1" }, "0:0") + deltas("text-delta", 0, "日本🗾", 1))])),
      () => streamResponse(deltas("text-delta", 0, "語です", 2, 10) + done),
    );
    const run = openRunStream({ url: "/run", fetch, random: () => 0 });
    expect(said(await finish(run))).toEqual(["日本🗾語です"]);
    expect(asked).toEqual([null, "0:10"]);
  });

  it("starts from the stored parts", async () => {
    const { fetch, asked } = server(() => streamResponse(deltas("text-delta", 1, "です", 1, 6) + done));
    const run = openRunStream({
      url: "/run",
      fetch,
      seed: [
        { type: "reasoning", text: "考え" },
        { type: "text", text: "答え" },
      ],
    });
    expect(said(await finish(run))).toEqual(["考え", "答えです"]);
    expect(asked).toEqual(["1:6"]);
  });

  it("starts over when its text cannot be the server's", async () => {
    const { fetch, asked } = server(
      () => streamResponse(deltas("text-delta", 0, "続き", 2, 99)),
      () => streamResponse(deltas("text-delta", 0, "続き", 2, 99)),
      () => streamResponse(deltas("text-delta", 0, "はじめから続き", 2) + done),
    );
    const run = openRunStream({ url: "/run", fetch, seed: [{ type: "text", text: "別の文" }], random: () => 0 });
    expect(said(await finish(run))).toEqual(["はじめから続き"]);
    expect(asked).toEqual(["0:9", "0:9", null]);
  });

  it("does not take the end of a connection for the end of the answer", async () => {
    const { fetch, calls } = server(
      () => streamResponse(deltas("text-delta", 0, "途", 1)),
      () => Promise.reject(new TypeError("network")),
      () => new Response("bad gateway", { status: 502 }),
      () => new Response("<html>", { status: 200, headers: { "Content-Type": "text/html" } }),
      () => streamResponse(deltas("text-delta", 0, "中", 1, 3) + sse({ type: "message-metadata", messageMetadata: { status: "interrupted", error: { code: "run_interrupted" } } }) + done),
    );
    const run = openRunStream({ url: "/run", fetch });
    const view = await finish(run);
    expect(said(view)).toEqual(["途中"]);
    expect(view.metadata.status).toBe("interrupted");
    expect(calls).toHaveBeenCalledTimes(5);
  });

  it("waits longer after each failure, and not at all when the network comes back", async () => {
    const { fetch, calls } = server(() => Promise.reject(new TypeError("network")));
    const run = openRunStream({ url: "/run", fetch, random: () => 1 });
    await vi.advanceTimersByTimeAsync(399);
    expect(calls).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(calls).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(799);
    expect(calls).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(calls).toHaveBeenCalledTimes(3);
    window.dispatchEvent(new Event("online"));
    await vi.advanceTimersByTimeAsync(0);
    expect(calls).toHaveBeenCalledTimes(4);
    run.close();
  });

  it("says how it stands", async () => {
    const online = vi.spyOn(navigator, "onLine", "get").mockReturnValue(true);
    const states: string[] = [];
    let connected = 0;
    const { fetch } = server(
      () => streamResponse(bodyOf([encoder.encode(": ping\n\n")])),
      () => {
        online.mockReturnValue(++connected > 1);
        return Promise.reject(new TypeError("network"));
      },
      () => streamResponse(done),
    );
    const run = openRunStream({ url: "/run", fetch, random: () => 1 });
    states.push(run.getSnapshot().link);
    run.subscribe(() => {
      const { link } = run.getSnapshot();
      if (states.at(-1) !== link) states.push(link);
    });
    await finish(run);
    expect(states).toEqual(["connecting", "reconnecting", "offline", "ended"]);
  });

  it("takes long silence for a dead connection", async () => {
    const { fetch, calls } = server(
      () => streamResponse(bodyOf([encoder.encode(deltas("text-delta", 0, "途", 1))], true)),
      () => streamResponse(deltas("text-delta", 0, "中", 1, 3) + done),
    );
    const run = openRunStream({ url: "/run", fetch, silenceMs: 45_000, random: () => 0 });
    await vi.advanceTimersByTimeAsync(44_000);
    expect(calls).toHaveBeenCalledTimes(1);
    expect(said(await finish(run))).toEqual(["途中"]);
  });

  it("stops asking when the server refuses", async () => {
    const { fetch, calls } = server(() => new Response("{}", { status: 404 }));
    const view = await finish(openRunStream({ url: "/run", fetch }));
    expect(view).toMatchObject({ link: "refused", refusal: 404 });
    expect(calls).toHaveBeenCalledTimes(1);
  });

  it("goes on from where it was when the person has signed in again", async () => {
    const { fetch, asked } = server(
      () => streamResponse(deltas("text-delta", 0, "途", 1)),
      () => new Response("{}", { status: 401 }),
      () => streamResponse(deltas("text-delta", 0, "中", 1, 3) + done),
    );
    let signIn: () => void = () => undefined;
    const whenSignedOut = vi.fn(() => new Promise<void>((resolve) => (signIn = resolve)));
    const run = openRunStream({ url: "/run", fetch, whenSignedOut, random: () => 0 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(whenSignedOut).toHaveBeenCalledTimes(1);
    expect(asked).toHaveLength(2); // nobody asks in vain meanwhile
    signIn();
    expect(said(await finish(run))).toEqual(["途中"]);
    expect(asked[2]).toBe(asked[1]);
  });

  it("tells its listeners once per frame, and in a hidden tab without frames", async () => {
    const { fetch } = server(() => streamResponse(recordRun("あ".repeat(500), 1)));
    const run = openRunStream({ url: "/run", fetch });
    const heard = vi.fn();
    run.subscribe(heard);
    await finish(run);
    expect(heard.mock.calls.length).toBeLessThan(10);

    vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    const frames = vi.spyOn(window, "requestAnimationFrame");
    const hidden = server(() => streamResponse(bodyOf([encoder.encode(deltas("text-delta", 0, "裏", 1))], true)));
    const background = openRunStream({ url: "/run", fetch: hidden.fetch });
    await vi.advanceTimersByTimeAsync(300);
    expect(said(background.getSnapshot())).toEqual(["裏"]);
    expect(frames).not.toHaveBeenCalled();
    background.close();
  });

  it("reads damaged data again instead of skipping it", async () => {
    const { fetch } = server(
      () => streamResponse(deltas("text-delta", 0, "一", 1) + sse('{"type":"text-del') + deltas("text-delta", 0, "三", 1, 6)),
      () => streamResponse(deltas("text-delta", 0, "二三", 1, 3) + done),
    );
    expect(said(await finish(openRunStream({ url: "/run", fetch, random: () => 0 })))).toEqual(["一二三"]);
  });
});
