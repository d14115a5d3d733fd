import { Blob as WholeBlob } from "node:buffer";
import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommand } from "@/lib/commands";
import { draftsOf, newConversation, temporaryConversation } from "./drafts";
import { speechOf, wavOf, withWords } from "./speech";
import { FakeApi, Problem, show } from "./testing";

/** What the microphone gives next. */
let heard: { loud: boolean; decodes: boolean };
let microphone: () => Promise<MediaStream>;
let tracks: { stop: () => void; stopped: boolean }[];
let recorders: FakeRecorder[];

class FakeRecorder {
  state: "inactive" | "recording" = "inactive";
  readonly mimeType = "audio/webm";
  ondataavailable?: (event: { data: Blob }) => void;
  onstop?: () => void;
  constructor() {
    recorders.push(this);
  }
  start() {
    this.state = "recording";
  }
  stop() {
    this.state = "inactive";
    this.ondataavailable?.({ data: new Blob(["opus"], { type: this.mimeType }) });
    this.onstop?.();
  }
}

class FakeContext {
  readonly rate: number;
  constructor(_channels: number, _length: number, rate: number) {
    this.rate = rate;
  }
  decodeAudioData() {
    if (!heard.decodes) return Promise.reject(new Error("no such codec"));
    const samples = new Float32Array(this.rate).fill(heard.loud ? 0.5 : 0);
    return Promise.resolve({ length: samples.length, numberOfChannels: 2, getChannelData: () => samples });
  }
}

beforeEach(() => {
  heard = { loud: true, decodes: true };
  tracks = [];
  recorders = [];
  microphone = () => {
    const track = { stopped: false, stop: () => void (track.stopped = true) };
    tracks.push(track);
    return Promise.resolve({ getTracks: () => [track] } as unknown as MediaStream);
  };
  vi.stubGlobal("Blob", WholeBlob); // jsdom's cannot be read
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("MediaRecorder", FakeRecorder);
  vi.stubGlobal("OfflineAudioContext", FakeContext);
  Object.defineProperty(navigator, "mediaDevices", { configurable: true, value: { getUserMedia: () => microphone() } });
});

afterEach(() => {
  for (const id of [newConversation, temporaryConversation]) draftsOf("p1").clear(id);
  draftsOf("p1").flush();
  localStorage.clear();
  Reflect.deleteProperty(navigator, "mediaDevices");
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function listening(answer: () => unknown = () => ({ text: "明日の会議" })): FakeApi {
  const api = new FakeApi();
  api.transcriber = { id: "ear", displayName: "音声認識", processedAt: "stt.example", place: { kind: "host", name: "stt.example" }, classes: [0, 1, 2, 3], maxSeconds: 60, maxBytes: 25 << 20 };
  return api.on("POST /transcriptions", answer);
}

const field = () => screen.findByRole<HTMLTextAreaElement>("textbox", { name: "頼みたいこと" });
const named = (name: string | RegExp) => screen.findByRole("button", { name });
const press = async (name: string | RegExp) => fireEvent.click(await named(name));
const begin = async () => {
  await press("音声入力");
  await screen.findByText("録音しています");
};

describe("dictation", () => {
  it("is offered only where somebody listens and the browser can record", async () => {
    const deaf = show(new FakeApi(), "/");
    await named("ファイル");
    expect(screen.queryByRole("button", { name: "音声入力" })).toBeNull();
    deaf.unmount();

    vi.stubGlobal("isSecureContext", false); // plain HTTP in an office
    const plain = show(listening(), "/");
    await screen.findAllByText("標準モデル");
    expect(screen.queryByRole("button", { name: "音声入力" })).toBeNull();
    plain.unmount();

    vi.stubGlobal("isSecureContext", true);
    show(listening(), "/temporary");
    const told = (await named("音声入力")).getAttribute("aria-describedby")?.split(" ").map((id) => document.getElementById(id)?.textContent);
    expect(told?.join("")).toBe("話した言葉を「音声認識」で文字にします。声を処理する場所は stt.example、1回 1分までです。");
  });

  it("puts what was said at the caret, keeps what was written and sends nothing by itself", async () => {
    const api = listening();
    show(api, "/");
    const box = await field();
    fireEvent.change(box, { target: { value: "件名：。至急" } });
    box.setSelectionRange(3, 3);
    await begin();
    expect(document.activeElement).toBe(await named("終えて文字にする"));
    expect((await named("送信する")).getAttribute("aria-disabled")).toBe("true"); // first things first
    await press("終えて文字にする");
    await waitFor(() => expect(box.value).toBe("件名：明日の会議。至急"));
    await waitFor(() => expect([document.activeElement, box.selectionStart]).toEqual([box, 8]));
    expect(await screen.findByText("話した言葉を入力欄に入れました")).toBeTruthy();
    expect(tracks.every((track) => track.stopped)).toBe(true);
    const [call] = api.calledWith("POST /transcriptions");
    expect([call?.type, call?.query]).toEqual(["audio/wav", "modelId=ear&language=ja"]);
    expect(api.calledWith("POST /conversations")).toEqual([]);
  });

  it("is forgotten by Escape, wherever it is", async () => {
    let answer: ((value: unknown) => void) | undefined;
    const api = listening(() => new Promise((resolve) => (answer = resolve)));
    show(api, "/");
    const box = await field();
    fireEvent.change(box, { target: { value: "前の文" } });
    await begin();
    fireEvent.keyDown(document.activeElement ?? document.body, { key: "Escape", isComposing: true });
    expect(await screen.findByText("録音しています")).toBeTruthy(); // it was the input method's
    fireEvent.keyDown(document.activeElement ?? document.body, { key: "Escape" });
    await named("音声入力");
    expect([tracks[0]?.stopped, recorders[0]?.state, api.calledWith("POST /transcriptions").length]).toEqual([true, "inactive", 0]);

    await begin();
    await press("終えて文字にする");
    await screen.findByText("文字にしています", { selector: "span" });
    await waitFor(() => expect(answer).toBeDefined());
    fireEvent.keyDown(document.body, { key: "Escape" });
    await named("音声入力");
    act(() => answer?.({ text: "遅い返事" }));
    await new Promise((done) => setTimeout(done, 0));
    expect(box.value).toBe("前の文");
  });

  it("sends the same recording again after a failure", async () => {
    let works = false;
    const api = listening(() => (works ? { text: "言い直さない" } : new Problem(502, "model_unreachable")));
    show(api, "/");
    await begin();
    await press("終えて文字にする");
    expect((await screen.findByRole("alert")).textContent).toContain("声を文字にできませんでしたモデルの接続先につながりません。録音はまだ");
    works = true;
    await press("同じ録音をもう一度送る");
    const box = await field();
    expect(document.activeElement).toBe(box); // the button has gone
    await waitFor(() => expect(box.value).toBe("言い直さない"));
    expect([recorders.length, api.calledWith("POST /transcriptions").length]).toEqual([1, 2]);
  });

  it("asks who listens when the one it knew has gone, and sends a voice to nobody else", async () => {
    const api = listening(() => new Problem(409, "model_unavailable"));
    show(api, "/");
    await begin();
    api.transcriber = undefined;
    await press("終えて文字にする");
    await screen.findByText("声を文字にできませんでした");
    await press("録音を捨てる");
    await waitFor(() => expect(screen.queryByRole("button", { name: "音声入力" })).toBeNull());
    expect(api.calledWith("POST /transcriptions").map((call) => call.query)).toEqual(["modelId=ear&language=ja"]);
  });

  it.each([
    ["NotAllowedError", "マイクの使用が許可されていません"],
    ["NotFoundError", "マイクが見つかりません"],
    ["NotReadableError", "マイクを使えません"],
  ])("says what to do about %s", async (name, words) => {
    const good = microphone;
    microphone = () => Promise.reject(new DOMException("", name));
    show(listening(), "/");
    await press("音声入力");
    expect(await screen.findByText(words)).toBeTruthy();
    microphone = good;
    await press("もう一度話す");
    expect(await screen.findByText("録音しています")).toBeTruthy();
  });

  it("does not ask a model what silence means", async () => {
    heard.loud = false;
    const api = listening(() => ({ text: "" }));
    show(api, "/");
    await begin();
    await press("終えて文字にする");
    expect(await screen.findByText("声を聞き取れませんでした")).toBeTruthy();
    expect(api.calledWith("POST /transcriptions")).toEqual([]);
    heard.loud = true; // a noise, in which the model finds no words
    await press("もう一度話す");
    await press("終えて文字にする");
    expect(await screen.findByText("声を聞き取れませんでした")).toBeTruthy();
    expect(api.calledWith("POST /transcriptions")).toHaveLength(1);
  });

  it("ends by itself when the time is up, and turns what there is into text", async () => {
    const api = listening();
    show(api, "/");
    const box = await field();
    await named("音声入力");
    vi.useFakeTimers({ shouldAdvanceTime: true });
    await begin();
    expect(screen.getByRole("timer").textContent).toBe("0:00 / 1:00");
    act(() => void vi.advanceTimersByTime(60_000));
    vi.useRealTimers();
    await waitFor(() => expect(box.value).toBe("明日の会議"));
  });

  it("begins and ends by its key, and leaves an input method alone", async () => {
    show(listening(), "/");
    const box = await field();
    await named("音声入力");
    act(() => void runCommand("dictate"));
    await screen.findByText("録音しています");
    fireEvent.compositionStart(box);
    fireEvent.change(box, { target: { value: "へんかん" } });
    act(() => void runCommand("dictate"));
    await named("音声入力");
    expect(box.value).toBe("へんかん");
    fireEvent.compositionEnd(box);
    await waitFor(() => expect(box.value).toContain("明日の会議"));
    expect(box.value).toContain("へんかん");
  });
});

describe("speech", () => {
  it("becomes WAV of 16 kHz", async () => {
    const file = new DataView(await wavOf(new Float32Array([0, 1, -2])).arrayBuffer());
    expect([file.byteLength, file.getUint32(24, true), file.getUint32(40, true), file.getInt16(46, true), file.getInt16(48, true)]).toEqual([50, 16_000, 6, 32_767, -32_767]);
  });

  it("is cut to its limit, and sent as it is where it cannot be decoded", async () => {
    expect((await speechOf(new Blob(["x"]), 0.5)).sound.size).toBe(44 + 16_000);
    heard.decodes = false;
    const recorded = new Blob(["opus"], { type: "audio/webm" });
    expect(await speechOf(recorded, 60)).toEqual({ sound: recorded, silent: false });
  });

  it("stands apart from other words where the language does that", () => {
    expect(withWords("件名：", 3, "会議")).toEqual({ text: "件名：会議", caret: 5 });
    expect(withWords("Dear all.Thanks", 9, "We meet.")).toEqual({ text: "Dear all. We meet. Thanks", caret: 19 });
    expect(withWords("Room ", 5, "3")).toEqual({ text: "Room 3", caret: 6 });
    expect(withWords("予算は", 3, "300 million")).toEqual({ text: "予算は300 million", caret: 14 });
    expect(withWords("", 0, "はい")).toEqual({ text: "はい", caret: 2 });
  });
});
