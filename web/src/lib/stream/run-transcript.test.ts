import { describe, expect, it } from "vitest";
import { decodeRunEvent } from "./run-events";
import { RunTranscript } from "./run-transcript";
import { dropUtf8, utf8Length } from "./utf8";

const bytes = (text: string) => new TextEncoder().encode(text).length;

describe("UTF-8 lengths", () => {
  it.each(["", "abc", "日本語", "é", "🤔", "a日🤔é\u0000", "👨‍👩‍👧", "\ud800x"])("agree with the encoder for %j", (text) => {
    expect(utf8Length(text)).toBe(bytes(text));
  });

  it("drop whole characters only", () => {
    expect(dropUtf8("a日🤔b", 1)).toBe("日🤔b");
    expect(dropUtf8("a日🤔b", 4)).toBe("🤔b");
    expect(dropUtf8("a日🤔b", 8)).toBe("b");
    expect(dropUtf8("a日🤔b", 2)).toBeUndefined();
    expect(dropUtf8("a日🤔b", 6)).toBeUndefined();
    expect(dropUtf8("ab", 3)).toBeUndefined();
  });
});

describe("RunTranscript", () => {
  const delta = (part: number, text: string) => ({ type: "delta", kind: "text", part, delta: text }) as const;

  it("adds what a delta brings and nothing twice", () => {
    const run = new RunTranscript();
    expect(run.apply(delta(0, "日本"), "0:6")).toBe("changed");
    expect(run.apply(delta(0, "日本"), "0:6")).toBe("same");
    expect(run.apply(delta(0, "本語🤔"), "0:13")).toBe("changed"); // overlaps by one character
    expect(run.snapshot.parts[0]?.text).toBe("日本語🤔");
    expect(run.place).toBe("0:13");
  });

  it("takes deltas merged or split differently the second time", () => {
    const text = "会議は10時に始まります🗓️。終わりは未定です。";
    for (let cut = 1; cut < text.length; cut++) {
      const first = text.slice(0, cut);
      if (/[\ud800-\udbff]$/.test(first)) continue;
      const run = new RunTranscript();
      run.apply(delta(0, first), `0:${bytes(first)}`);
      run.apply(delta(0, text), `0:${bytes(text)}`);
      expect(run.snapshot.parts[0]?.text).toBe(text);
    }
  });

  it("refuses a hole, and a cut through a character", () => {
    const run = new RunTranscript([{ type: "text", text: "日" }]);
    expect(run.apply(delta(0, "x"), "0:9")).toBe("gap");
    expect(run.apply(delta(0, "語x"), "0:5")).toBe("gap");
    expect(run.snapshot.parts[0]?.text).toBe("日");
  });

  it("knows where in line it stands until it begins, or nobody tells", () => {
    const run = new RunTranscript();
    const tell = (data: object) => {
      const event = decodeRunEvent(JSON.stringify({ type: "data-queue", data, transient: true }));
      if (event) run.apply(event);
      return run.snapshot.line;
    };
    expect(tell({ waiting: true, ahead: 3, waitMs: 20_000 })).toEqual({ ahead: 3, waitMs: 20_000 });
    expect(tell({ waiting: true, ahead: 0 })).toEqual({ ahead: 0 });
    run.leaveLine();
    expect(run.snapshot.line).toBeUndefined();
    tell({ waiting: true, ahead: 1 });
    expect(tell({ waiting: false, ahead: 0 })).toBeUndefined();
    tell({ waiting: true, ahead: 1 });
    run.apply(delta(0, "答え"), "0:6");
    expect(run.snapshot.line).toBeUndefined();
  });

  it("goes on from the parts the store had", () => {
    const run = new RunTranscript([
      { type: "reasoning", text: "考え" },
      { type: "text", text: "答え" },
    ]);
    expect(run.place).toBe("1:6");
    run.apply(delta(1, "えです"), "1:12");
    expect(run.snapshot.parts.map((part) => part.text)).toEqual(["考え", "答えです"]);
  });

  it("passes over parts that have nothing to show", () => {
    const run = new RunTranscript();
    run.apply(delta(2, "答え"), "2:6");
    expect(run.snapshot.parts.map((part) => part.type)).toEqual(["reasoning", "reasoning", "text"]);
    expect(run.place).toBe("2:6");
  });

  it("keeps the error and the partial text, and lets later metadata win", () => {
    const run = new RunTranscript();
    run.apply(delta(0, "途中まで"), "0:12");
    run.apply({ type: "metadata", metadata: { status: "failed", error: { code: "model_broke_off" } } });
    run.apply({ type: "error", text: "stream broke" });
    run.apply({ type: "done" });
    expect(run.snapshot.metadata).toEqual({ status: "failed", error: { code: "model_broke_off" } });
    expect(run.snapshot.parts[0]?.text).toBe("途中まで");
    expect(run.snapshot.done).toBe(true);
  });

  it("takes an unknown event for nothing", () => {
    expect(decodeRunEvent('{"type":"data-somethingNew","data":{}}')).toBeUndefined();
    expect(decodeRunEvent("[1]")).toBeUndefined();
    expect(() => decodeRunEvent('{"type":')).toThrow();
  });
});
