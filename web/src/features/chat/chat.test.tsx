import { configure, createEvent, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { draftsOf, newConversation } from "./drafts";
import { FakeApi, Live, Problem, answered, chained, conversation, now, said, show, started } from "./testing";

configure({ asyncUtilTimeout: 5000 }); // the first answer loads what draws it

afterEach(() => {
  draftsOf("p1").clear("c1");
  draftsOf("p1").clear(newConversation);
  draftsOf("p1").flush();
  localStorage.clear();
  vi.unstubAllGlobals();
});

const field = () => screen.findByRole<HTMLTextAreaElement>("textbox", { name: "頼みたいこと" });
const type = async (text: string) => {
  const box = await field();
  fireEvent.change(box, { target: { value: text } });
  return box;
};

/** An API that takes turns and begins answers the test writes. */
function talkative(messages = [said("u1", "最初の依頼"), answered("a1", "最初の回答")]) {
  const api = new FakeApi().conversation("c1", messages);
  const live = new Live();
  api.on("POST /conversations/c1/turns", ({ body }) => started("c1", messages.at(-1)?.id ?? "", said("u2", String(body.text)), [answered("a2", "", { status: "running", finishedAt: undefined, runId: "r1" })]));
  api.on("GET /runs/r1/events", () => live);
  return { api, live };
}

describe("sending", () => {
  it("shows the question at once, sends it once however often Enter is pressed, and shows the answer as it comes", async () => {
    const { api, live } = talkative();
    let arrive: () => void = () => undefined;
    const turn = api.routes["POST /conversations/c1/turns"];
    api.on("POST /conversations/c1/turns", async (call) => {
      await new Promise<void>((resolve) => (arrive = resolve));
      return turn?.(call);
    });
    show(api, "/c/c1");
    const box = await type("次の依頼");
    fireEvent.keyDown(box, { key: "Enter" });
    fireEvent.keyDown(box, { key: "Enter" });
    fireEvent.click(screen.getByRole("button", { name: /送信/ }));
    expect(await screen.findByText("次の依頼")).toBeTruthy();
    expect(box.value).toBe("");
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/turns")).toHaveLength(1));
    arrive();
    expect(await screen.findByRole("button", { name: "止める" })).toBeTruthy();
    api.conversation("c1", [said("u1", "最初の依頼"), answered("a1", "最初の回答"), said("u2", "次の依頼"), answered("a2", "これは**答え**です。")]);
    live.text(0, "これは**答え**");
    expect((await screen.findByText("答え")).tagName).toBe("STRONG");
    live.text(0, "です。", 19).end();
    await waitFor(() => expect(screen.queryByRole("button", { name: "止める" })).toBeNull());
    expect(screen.getAllByText("次の依頼")).toHaveLength(1);
    await waitFor(() => expect(document.querySelector("[aria-live=polite]")?.textContent).toContain("回答が終わりました"));
    expect(api.calledWith("POST /conversations/c1/turns")).toHaveLength(1);
  });

  it.each([
    ["the flag", { isComposing: true }],
    ["the code that stands in for it in Safari, after the composition has ended", { keyCode: 229 }],
  ])("never sends while an input method has the key: %s", async (_name, init) => {
    const { api } = talkative();
    show(api, "/c/c1");
    const box = await type("へんかんちゅう");
    fireEvent.compositionStart(box);
    fireEvent.compositionEnd(box);
    const press = createEvent.keyDown(box, { key: "Enter", ...init });
    fireEvent(box, press);
    expect(press.defaultPrevented).toBe(false);
    expect(box.value).toBe("へんかんちゅう");
    expect(api.calledWith("POST /conversations/c1/turns")).toHaveLength(0);
  });

  it("makes a new line with Shift+Enter, and with Enter where Ctrl+Enter sends", async () => {
    const { api } = talkative();
    api.me.preferences.sendKey = "ctrlEnter";
    show(api, "/c/c1");
    const box = await type("一行目");
    fireEvent.keyDown(box, { key: "Enter" });
    fireEvent.keyDown(box, { key: "Enter", shiftKey: true });
    expect(api.calledWith("POST /conversations/c1/turns")).toHaveLength(0);
    fireEvent.keyDown(box, { key: "Enter", ctrlKey: true });
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/turns")).toHaveLength(1));
  });

  it("gives the words back when the send fails, and sends them again as the same turn", async () => {
    const { api } = talkative();
    const turn = api.routes["POST /conversations/c1/turns"];
    api.on("POST /conversations/c1/turns", () => new Problem(503, "unavailable"));
    show(api, "/c/c1");
    const box = await type("大事な依頼");
    fireEvent.keyDown(box, { key: "Enter" });
    expect(await screen.findByText("Kakoi は今、応答できません")).toBeTruthy();
    await waitFor(() => expect(box.value).toBe("大事な依頼"));
    api.on("POST /conversations/c1/turns", (call) => turn?.(call));
    fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/turns")).toHaveLength(2));
    const [first, second] = api.calledWith("POST /conversations/c1/turns");
    expect(second?.body.clientId).toBe(first?.body.clientId);
    await waitFor(() => expect(box.value).toBe(""));
    expect(screen.queryByText("Kakoi は今、応答できません")).toBeNull();
  });

  it("keeps what was written meanwhile behind what came back", async () => {
    const { api } = talkative();
    let fail: () => void = () => undefined;
    api.on("POST /conversations/c1/turns", () => new Promise((resolve) => (fail = () => resolve(new Problem(500, "internal")))));
    show(api, "/c/c1");
    const box = await type("一つ目");
    fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(box.value).toBe(""));
    fireEvent.change(box, { target: { value: "二つ目" } });
    fail();
    await waitFor(() => expect(box.value).toBe("一つ目\n二つ目"));
  });

  it("begins a conversation and goes to it", async () => {
    const api = new FakeApi();
    const live = new Live();
    api.on("POST /conversations", ({ body }) => started("c9", "", said("u1", "はじめまして"), [answered("a1", "", { status: "running", runId: "r1" })], { title: "はじまり", titleSource: "first_words", modelId: String(body.modelId) }));
    api.on("GET /runs/r1/events", () => live).on("GET /conversations/c9", () => conversation("c9", { title: "題" }));
    const { router } = show(api, "/");
    expect(await screen.findByText("佐伯さん、")).toBeTruthy();
    fireEvent.keyDown(await type("はじめまして"), { key: "Enter" });
    await waitFor(() => expect(router.state.location.pathname).toBe("/c/c9"));
    live.text(0, "ようこそ");
    expect(await screen.findByText("ようこそ")).toBeTruthy();
    expect(api.calledWith("POST /conversations")[0]?.body).toMatchObject({ modelId: "m1", turn: { text: "はじめまして", attachmentIds: [] } });
    expect(api.calledWith("GET /conversations/c9/messages")).toHaveLength(0);
  });
});

describe("drafts", () => {
  it("survive leaving the page, each with its conversation and its account", async () => {
    const { api } = talkative();
    const view = show(api, "/c/c1");
    await type("書きかけ");
    view.unmount();
    window.dispatchEvent(new Event("pagehide"));
    expect(localStorage.getItem("kakoi.draft.p1.c1")).toContain("書きかけ");
    expect(draftsOf("p2").get("c1").text).toBe("");
    expect(draftsOf("p1").get(newConversation).text).toBe("");
    show(api, "/c/c1");
    await waitFor(async () => expect((await field()).value).toBe("書きかけ"));
  });

  it("take 100,000 characters", async () => {
    const { api } = talkative();
    show(api, "/c/c1");
    const box = await type("あ".repeat(100_000));
    fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(String(api.calledWith("POST /conversations/c1/turns")[0]?.body.text)).toHaveLength(100_000));
  });
});

describe("an answer being written", () => {
  const running = () => answered("a1", "もう半分", { status: "running", runId: "r1", finishedAt: undefined });

  it("goes on after a reload from the byte the store had", async () => {
    const live = new Live();
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), running()]).on("GET /runs/r1/events", () => live);
    show(api, "/c/c1");
    live.text(0, "と残り", 12);
    expect(await screen.findByText("もう半分と残り")).toBeTruthy();
    expect(api.calledWith("GET /runs/r1/events")[0]?.lastEventId).toBe("0:12");
  });

  it("stops on demand and keeps what was said", async () => {
    const live = new Live();
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), running()]).on("GET /runs/r1/events", () => live).on("POST /runs/r1/stop", () => ({}));
    show(api, "/c/c1");
    fireEvent.click(await screen.findByRole("button", { name: "止める" }));
    await waitFor(() => expect(api.calledWith("POST /runs/r1/stop")).toHaveLength(1));
    api.conversation("c1", [said("u1", "依頼"), answered("a1", "もう半分", { status: "stopped", usage: { inputTokens: 3, outputTokens: 4, reasoningTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, estimated: false } })]);
    live.end({ status: "stopped" });
    expect(await screen.findByText("ここで止めました。")).toBeTruthy();
    expect(screen.getByText("もう半分")).toBeTruthy();
    expect(screen.getByRole("button", { name: "続ける" })).toBeTruthy();
    expect(screen.getByRole("button", { name: "使用量" })).toBeTruthy();
  });

  it("does not complain when there was nothing left to stop", async () => {
    const live = new Live();
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), running()]).on("GET /runs/r1/events", () => live).on("POST /runs/r1/stop", () => new Problem(409, "run_not_active"));
    show(api, "/c/c1");
    fireEvent.click(await screen.findByRole("button", { name: "止める" }));
    await waitFor(() => expect(api.calledWith("POST /runs/r1/stop")).toHaveLength(1));
    expect(screen.queryByText("止める回答がありません")).toBeNull();
  });

  it("keeps the partial answer when the stream ends in an error, and says why and what to do", async () => {
    const live = new Live();
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), running()]).on("GET /runs/r1/events", () => live);
    show(api, "/c/c1");
    await screen.findByText("もう半分");
    api.conversation("c1", [said("u1", "依頼"), answered("a1", "もう半分", { status: "failed", error: { code: "model_broke_off" } })]);
    live.send({ type: "error", errorText: "broke off" }).end({ status: "failed", error: { code: "model_broke_off" } });
    expect((await screen.findAllByText("回答が途中で切れました")).length).toBeGreaterThan(0);
    expect(screen.getByText("もう半分")).toBeTruthy();
    await waitFor(() => expect(document.querySelector("[aria-live=assertive]")?.textContent).toContain("回答が途中で切れました"));
  });

  it("shows reasoning as one line that opens", async () => {
    const live = new Live();
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), answered("a1", "", { status: "running", runId: "r1" })]).on("GET /runs/r1/events", () => live);
    show(api, "/c/c1");
    live.send({ type: "reasoning-start", id: "0" }, "0:0").send({ type: "reasoning-delta", id: "0", delta: "条例を確かめる" }, "0:21");
    const line = await screen.findByRole("button", { name: /考えています…/ });
    expect(screen.queryByText("条例を確かめる")).toBeNull();
    fireEvent.click(line);
    expect(screen.getByText("条例を確かめる")).toBeTruthy();
    live.send({ type: "message-metadata", messageMetadata: { reasoningMs: 12_400 } }).text(1, "答え");
    expect(await screen.findByRole("button", { name: "12秒考えました" })).toBeTruthy();
  });

  const whileRunning = () => {
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), running()]).on("GET /runs/r1/events", () => new Live());
    api.on("POST /conversations/c1/turns", ({ body }) => started("c1", "a1", undefined, [], { queue: [{ id: "q1", text: String(body.text), attachmentIds: [], createdAt: now }] }));
    return api;
  };

  it("lets another turn wait for its end with Enter, and shows it", async () => {
    const api = whileRunning();
    show(api, "/c/c1");
    const box = await type("次の依頼");
    fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/turns")[0]?.body).toMatchObject({ text: "次の依頼", whenBusy: "queue" }));
    const queue = await screen.findByRole("region", { name: "待っている依頼" });
    expect(within(queue).getByText("次の依頼")).toBeTruthy();
    expect(box.value).toBe("");
    await type("書きかけ");
    api.on("DELETE /conversations/c1/queue/q1", () => ({ text: "次の依頼", attachments: [{ id: "f1", name: "資料.csv", mediaType: "text/csv", size: 12 }] }));
    fireEvent.click(within(queue).getByRole("button", { name: "待っている依頼を取り消す" }));
    await waitFor(() => expect(api.calledWith("DELETE /conversations/c1/queue/q1")).toHaveLength(1));
    await waitFor(() => expect(box.value).toBe("次の依頼\n書きかけ"));
    expect(within(screen.getByRole("list", { name: "添付したファイル" })).getByText("資料.csv")).toBeTruthy();
  });

  it("can be stopped for another turn", async () => {
    const api = whileRunning();
    show(api, "/c/c1");
    await type("急ぎの依頼");
    fireEvent.click(screen.getByRole("button", { name: "止めて送る" }));
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/turns")[0]?.body).toMatchObject({ text: "急ぎの依頼", whenBusy: "replace" }));
  });
});

describe("an answer whose turn has not come", () => {
  it("says how many are before it, tells those who listen of each change, and can be stopped", async () => {
    const live = new Live();
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), answered("a1", "", { status: "running", runId: "r1", parts: [] })]);
    api.on("GET /runs/r1/events", () => live).on("POST /runs/r1/stop", () => ({}));
    show(api, "/c/c1");
    const place = (ahead: number, waitMs?: number) => live.send({ type: "data-queue", data: { waiting: true, ahead, waitMs }, transient: true });
    await screen.findByRole("article", { name: "回答" });
    place(3, 25_000);
    const seen = (text: string) => waitFor(() => expect(document.querySelector("[data-line]")?.textContent).toBe(text));
    await seen("順番待ち：前に3人あと約25秒");
    const announced = () => document.querySelector("[data-live-announcer][aria-live=polite]")?.textContent ?? "";
    expect(announced()).toContain("順番待ち：前に3人");
    const before = announced();
    place(3, 20_000);
    await seen("順番待ち：前に3人あと約20秒");
    expect(announced()).toBe(before); // the same place is not read again
    place(0);
    await seen("順番待ち：次の番です");
    expect(announced()).toContain("順番待ち：次の番です");
    fireEvent.click(screen.getByRole("button", { name: "止める" }));
    await waitFor(() => expect(api.calledWith("POST /runs/r1/stop")).toHaveLength(1));
    live.send({ type: "data-queue", data: { waiting: false, ahead: 0 }, transient: true }).text(0, "答えです");
    expect(await screen.findByText("答えです")).toBeTruthy();
    expect(document.querySelector("[data-line]")).toBeNull();
  });
});

describe("an answer that did not come to its end", () => {
  it.each([
    ["interrupted", { status: "interrupted" as const }, "サーバーが止まり、回答が途中で終わりました", "続ける", "continue"],
    ["stopped", { status: "stopped" as const }, "ここで止めました。", "続ける", "continue"],
    ["cut by its length", { stopReason: "length" as const }, "長さの上限に達したため、ここで切れています。", "続ける", "continue"],
    ["failed", { status: "failed" as const, error: { code: "model_throttled" } }, "モデルが混み合っています", "もう一度試す", "retry"],
  ])("%s: says so, and goes on from there", async (_name, how, words, act, call) => {
    const live = new Live();
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), answered("a1", "途中まで", how)]);
    api.on(`POST /conversations/c1/${call}`, () => started("c1", "u1", undefined, [answered("a1", "途中まで", { status: "running", runId: "r2" })])).on("GET /runs/r2/events", () => live);
    show(api, "/c/c1");
    expect(await screen.findByText(words)).toBeTruthy();
    api.conversation("c1", [said("u1", "依頼"), answered("a1", "途中まで", { status: "running", runId: "r2" })]);
    fireEvent.click(screen.getByRole("button", { name: act }));
    await waitFor(() => expect(api.calledWith(`POST /conversations/c1/${call}`)).toHaveLength(1));
    live.text(0, "と続き", 12);
    expect(await screen.findByText("途中までと続き")).toBeTruthy();
    expect(screen.queryByText(words)).toBeNull();
  });

  it("offers it only for the last answer", async () => {
    const api = new FakeApi().conversation("c1", [said("u1", "一"), answered("a1", "止めた", { status: "stopped" }), said("u2", "二"), answered("a2", "答え")]);
    show(api, "/c/c1");
    await screen.findByText("止めた");
    expect(screen.queryByRole("button", { name: "続ける" })).toBeNull();
  });

  it.each(["model_throttled", "model_busy", "model_context_too_long", "model_access_denied", "model_unreachable", "model_refused", "model_timeout", "model_credentials", "resource_exhausted"])("has words for %s, not its code", async (code) => {
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), answered("a1", "", { status: "failed", error: { code } })]);
    show(api, "/c/c1");
    await screen.findByRole("button", { name: "もう一度試す" });
    expect(document.body.textContent).not.toContain(code);
  });
});

describe("an answer that failed for no reason we know", () => {
  it("has the number that its words ask for", async () => {
    show(new FakeApi().conversation("c1", [said("u1", "依頼"), answered("a1", "", { status: "failed", runId: "r-17", error: { code: "model_failed" } })]), "/c/c1");
    expect(await screen.findByText(/問い合わせ番号を添えて/)).toBeTruthy();
    expect(screen.getByText("r-17")).toBeTruthy();
    expect(screen.getByRole("button", { name: "問い合わせ番号をコピーする" })).toBeTruthy();
  });
});

describe("another tab", () => {
  it("is followed: what it asked, and the answer as it comes", async () => {
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), answered("a1", "答え")]);
    const live = new Live();
    show(api, "/c/c1");
    await screen.findByText("答え");
    api.conversation("c1", [said("u1", "依頼"), answered("a1", "答え"), said("u2", "別の画面から"), answered("a2", "", { status: "running", runId: "r7" })], { title: "新しい題" }).on("GET /runs/r7/events", () => live);
    api.events.send({ type: "conversation", id: "c1" });
    expect(await screen.findByText("別の画面から")).toBeTruthy();
    expect(await screen.findByRole("heading", { name: "新しい題", level: 1 })).toBeTruthy();
    live.text(0, "同じ答え");
    expect(await screen.findByText("同じ答え")).toBeTruthy();
  });
});

describe("history", () => {
  const list = () => [
    { id: "c1", title: "進行中の会話", titleSource: "model", modelId: "m1", createdAt: now, updatedAt: new Date().toISOString(), running: true, tags: [] },
    { id: "c2", title: "昔の会話", titleSource: "model", modelId: "m1", createdAt: now, updatedAt: "2024-03-03T00:00:00Z", running: false, tags: [] },
  ];

  it("groups by day and says which one is being answered", async () => {
    const api = new FakeApi();
    api.list = list();
    show(api, "/");
    const nav = await screen.findByRole("navigation");
    expect(await within(nav).findByRole("heading", { name: "今日" })).toBeTruthy();
    expect(within(nav).getByRole("heading", { name: "2024年3月" })).toBeTruthy();
    expect(within(nav).getByRole("img", { name: "回答中" })).toBeTruthy();
  });

  it("renames in place, and Enter that ends a conversion is not the end of the name", async () => {
    const api = new FakeApi();
    api.list = list();
    api.on("PATCH /conversations/c2", ({ body }) => ({ ...list()[1], ...body }));
    show(api, "/");
    const nav = await screen.findByRole("navigation");
    fireEvent.keyDown(await within(nav).findByRole("link", { name: "昔の会話" }), { key: "F2" });
    const box = await within(nav).findByRole("textbox");
    fireEvent.change(box, { target: { value: "新しい名前" } });
    fireEvent.keyDown(box, { key: "Enter", keyCode: 229 });
    expect(api.calledWith("PATCH /conversations/c2")).toHaveLength(0);
    fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(api.calledWith("PATCH /conversations/c2")[0]?.body).toEqual({ title: "新しい名前" }));
  });

  it("deletes at once and brings back what was deleted", async () => {
    const api = new FakeApi();
    api.list = list();
    const all = api.list;
    api.on("DELETE /conversations/c2", () => ((api.list = all.filter((one) => (one as { id: string }).id !== "c2")), {}));
    api.on("POST /conversations/c2/restore", () => ((api.list = all), {}));
    show(api, "/");
    const nav = await screen.findByRole("navigation");
    fireEvent.keyDown(await within(nav).findByRole("link", { name: "昔の会話" }), { key: "Delete" });
    await waitFor(() => expect(within(nav).queryByRole("link", { name: "昔の会話" })).toBeNull());
    expect(api.calledWith("DELETE /conversations/c2")).toHaveLength(1);
    await screen.findByText("「昔の会話」を削除しました");
    fireEvent.click(await screen.findByRole("button", { name: "元に戻す" }));
    expect(await within(nav).findByRole("link", { name: "昔の会話" })).toBeTruthy();
    expect(api.calledWith("POST /conversations/c2/restore")).toHaveLength(1);
  });
});

describe("files", () => {
  const png = new File([new Uint8Array(10)], "現地.png", { type: "image/png" });

  /** Answers uploads so, or not at all; returns where they were sent. */
  function uploads(status: number, response: unknown, never = false): string[] {
    const sent: string[] = [];
    class Request {
      upload: { onprogress?: (event: object) => void } = {};
      status = status;
      response = response;
      onload?: () => void;
      onabort?: () => void;
      open(_method: string, url: string) {
        sent.push(url);
      }
      setRequestHeader() {}
      getResponseHeader() {
        return null;
      }
      abort() {
        this.onabort?.();
      }
      send() {
        this.upload.onprogress?.({ lengthComputable: true, loaded: 5, total: 10 });
        if (!never) setTimeout(() => this.onload?.(), 0);
      }
    }
    vi.stubGlobal("XMLHttpRequest", Request);
    return sent;
  }

  const drop = async (...files: File[]) => fireEvent.drop(await field(), { dataTransfer: { files, types: ["Files"] } });

  it("go with the text", async () => {
    uploads(201, { id: "f1", name: "現地.png", mediaType: "image/png", size: 10 });
    const { api } = talkative();
    show(api, "/c/c1");
    const box = await type("これは何ですか");
    await drop(png);
    expect(await screen.findByText("10 B")).toBeTruthy();
    fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/turns")[0]?.body.attachmentIds).toEqual(["f1"]));
    expect(screen.queryByRole("list", { name: "添付したファイル" })).toBeNull();
  });

  it("may be documents where the model reads them, and are there to be saved again", async () => {
    uploads(201, { id: "f2", name: "改定表.xlsx", mediaType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", size: 2048 });
    const { api } = talkative();
    api.models = api.models.map((one) => ({ ...one, capabilities: { ...one.capabilities, documents: true } }));
    const file = { type: "document" as const, attachmentId: "f2", name: "改定表.xlsx", mediaType: "application/octet-stream", size: 2048 };
    api.on("POST /conversations/c1/turns", () => started("c1", "a1", { ...said("u2", "まとめてください"), parts: [file] }, [answered("a2", "まとめました")]));
    show(api, "/c/c1");
    const box = await type("まとめてください");
    await drop(new File([new Uint8Array(10)], "改定表.xlsx"));
    expect(await screen.findByText("2 KB")).toBeTruthy();
    fireEvent.keyDown(box, { key: "Enter" });
    expect((await screen.findByRole("link", { name: /改定表.xlsx/ })).getAttribute("download")).toBe("改定表.xlsx");
  });

  it.each([
    ["a document, by a model that reads none", new File([new Uint8Array(10)], "改定表.xlsx"), "改定表.xlsx: このモデルは PDF、Word、Excel を読めません。読めるモデルを選ぶか、テキストや CSV で保存して添付してください。"],
    ["a photo of a phone", new File([new Uint8Array(10)], "現場.HEIC"), "現場.HEIC: HEIC 形式の写真は読めません。写真アプリで JPEG に書き出すか、カメラの設定を「互換性優先」にして撮り直してください。"],
    ["what is too large", new File([new Uint8Array(2049)], "長い.txt"), "長い.txt: 大きすぎます。添付できるのは1件 2 KB までです。"],
    ["what is empty", new File([], "空.txt"), "空.txt: 中身がありません。"],
  ])("are not taken, and it is said why: %s", async (_name, file, why) => {
    const sent = uploads(201, {});
    const { api } = talkative();
    api.limits.attachmentBytes = 2048;
    show(api, "/c/c1");
    await type("まとめてください");
    await drop(file);
    expect(await screen.findByText(why)).toBeTruthy();
    expect(screen.queryByRole("list", { name: "添付したファイル" })).toBeNull();
    expect(sent).toEqual([]);
  });

  it("of text are taken by every model, under a name that can be read, whatever the browser calls their type", async () => {
    const sent = uploads(201, { id: "f3", name: "がいど.csv", mediaType: "text/csv", size: 10 });
    const { api } = talkative();
    api.conversation("c1", [], { modelId: "m2" });
    show(api, "/c/c1");
    await screen.findByText(/処理 llm.example/);
    await drop(new File(["a,b"], "か\u3099いと\u3099.csv", { type: "application/vnd.ms-excel" }));
    expect(await screen.findByText("がいど.csv")).toBeTruthy();
    expect(screen.getByText("1件を添付（1件 20 MB まで、一度に10件まで）")).toBeTruthy();
    await waitFor(() => expect(sent).toEqual([`/api/v1/attachments?name=${encodeURIComponent("がいど.csv")}`]));
  });

  it("beyond the number are left out, and the others go a few at a time", async () => {
    const sent = uploads(201, { id: "f4", name: "x", mediaType: "text/plain", size: 1 }, true);
    const { api } = talkative();
    api.limits.attachmentsPerTurn = 5;
    show(api, "/c/c1");
    await type("読んでください");
    await drop(...Array.from({ length: 7 }, (_, i) => new File(["x"], `資料${i}.txt`)));
    expect(await screen.findByText("資料5.txt: 一度に添付できるのは5件までです。")).toBeTruthy();
    expect(screen.getByText("資料6.txt: 一度に添付できるのは5件までです。")).toBeTruthy();
    expect(sent).toHaveLength(3);
    expect(screen.getAllByText("順番を待っています")).toHaveLength(2);
    fireEvent.click(screen.getByRole("button", { name: "資料0.txt の読み込みをやめる" }));
    await waitFor(() => expect(sent).toHaveLength(4));
  });

  it("wait until it is known what the model reads", async () => {
    const sent = uploads(201, { id: "f1", name: "現地.png", mediaType: "image/png", size: 10 });
    const { api } = talkative();
    let know: () => void = () => undefined;
    api.on("GET /models", async () => {
      await new Promise<void>((resolve) => (know = resolve));
      return { items: api.models };
    });
    show(api, "/c/c1");
    await type("これは何ですか");
    await drop(png);
    expect(await screen.findByText("順番を待っています")).toBeTruthy();
    expect(sent).toEqual([]);
    know();
    expect(await screen.findByText("10 B")).toBeTruthy();
    expect(screen.queryByText(/読めません/)).toBeNull();
  });

  it("are dropped anywhere on the page, where a target shows", async () => {
    uploads(201, { id: "f1", name: "現地.png", mediaType: "image/png", size: 10 });
    const { api } = talkative();
    show(api, "/c/c1");
    const answer = await screen.findByText("最初の回答");
    await screen.findByText(/処理 llm.example/);
    fireEvent.dragOver(answer, { dataTransfer: { types: ["text/plain"] } });
    expect(screen.queryByText("ここに放すと添付します")).toBeNull();
    fireEvent.dragOver(answer, { dataTransfer: { types: ["Files"] } });
    expect(screen.getByText("ここに放すと添付します")).toBeTruthy();
    fireEvent.drop(answer, { dataTransfer: { files: [png], types: ["Files"] } });
    expect(screen.queryByText("ここに放すと添付します")).toBeNull();
    expect(await screen.findByText("10 B")).toBeTruthy();
  });

  it("are not taken by a model that does not see, and it says so", async () => {
    const { api } = talkative();
    api.conversation("c1", [], { modelId: "m2" });
    show(api, "/c/c1");
    await screen.findByText(/処理 llm.example/);
    await drop(png);
    expect(await screen.findByText(/現地.png: このモデルは画像を読めません/)).toBeTruthy();
    expect(api.calls.some((call) => call.path === "/attachments")).toBe(false);
  });

  it("say why they were not taken, and do not go with the text", async () => {
    uploads(413, { code: "too_large", params: { limitBytes: String(20 << 20) } });
    const { api } = talkative();
    show(api, "/c/c1");
    const box = await type("これは何ですか");
    await drop(png);
    expect(await screen.findByText("大きすぎて受け付けられません")).toBeTruthy();
    expect(screen.getByText("上限は 20 MB です。")).toBeTruthy();
    fireEvent.keyDown(box, { key: "Enter" });
    expect(api.calledWith("POST /conversations/c1/turns")).toHaveLength(0);
    fireEvent.click(screen.getByRole("button", { name: "現地.png を外す" }));
    fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/turns")).toHaveLength(1));
  });
});

describe("the first day", () => {
  it("tells an administrator how to connect a model when there is only the demonstration", async () => {
    const api = new FakeApi();
    api.me.account.permissions = ["connection.write"];
    api.models = api.models.map((model) => ({ ...model, demo: true }));
    show(api, "/");
    expect(await screen.findByText("今つながっているのは、試用のモデルだけです")).toBeTruthy();
    expect(screen.getByRole("link", { name: "モデルにつなぐ" }).getAttribute("href")).toBe("/admin/connections");
  });

  it("tells everybody else who can, and sends nothing", async () => {
    const api = new FakeApi();
    api.models = [];
    show(api, "/");
    expect(await screen.findByText("管理者がモデルをつなぐと、ここから頼めるようになります。")).toBeTruthy();
    fireEvent.keyDown(await type("頼みたい"), { key: "Enter" });
    expect(api.calledWith("POST /conversations")).toHaveLength(0);
  });
});

describe("a conversation that is not there", () => {
  it("says so and offers a way on", async () => {
    show(new FakeApi(), "/c/nowhere");
    expect(await screen.findByRole("heading", { name: "この会話はありません" })).toBeTruthy();
    expect(screen.getByRole("link", { name: "新しい会話を始める" }).getAttribute("href")).toBe("/");
  });
});

describe("a conversation whose messages cannot be read", () => {
  it("says which it is and that it failed, and is read when one tries again", async () => {
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), answered("a1", "ここにあります")]);
    const messages = api.routes["GET /conversations/c1/messages"];
    api.on("GET /conversations/c1/messages", () => new Problem(500, "internal"));
    show(api, "/c/c1");
    expect(await screen.findByRole("heading", { level: 1, name: "会話 c1" })).toBeTruthy();
    api.on("GET /conversations/c1/messages", (call) => messages?.(call));
    fireEvent.click(await screen.findByRole("button", { name: "もう一度試す" }));
    expect(await screen.findByText("ここにあります")).toBeTruthy();
  });
});

describe("older messages that cannot be read", () => {
  it("are said to have failed, in the place where they belong, and asked for again by hand", async () => {
    vi.stubGlobal(
      "IntersectionObserver",
      class {
        constructor(private readonly tell: (entries: { isIntersecting: boolean }[]) => void) {}
        observe() {
          this.tell([{ isIntersecting: true }]);
        }
        disconnect() {}
      },
    );
    const items = chained([said("u1", "古い依頼"), answered("a1", "古い回答"), said("u2", "新しい依頼"), answered("a2", "新しい回答")]);
    const newest = { items: items.slice(2), leafId: "a2", previousPageToken: "before-u2" };
    const pages: unknown[] = [newest, new Problem(500, "internal"), { items: items.slice(0, 2), leafId: "a2" }];
    const api = new FakeApi().conversation("c1", []);
    api.on("GET /conversations/c1/messages", () => pages.shift() ?? newest);
    show(api, "/c/c1");
    fireEvent.click(await screen.findByRole("button", { name: "もう一度試す" }));
    expect(screen.getByText("Kakoi の中で処理に失敗しました")).toBeTruthy();
    expect(await screen.findByText("古い依頼")).toBeTruthy();
    expect(screen.queryByText("Kakoi の中で処理に失敗しました")).toBeNull();
    expect(api.calledWith("GET /conversations/c1/messages")).toHaveLength(3);
  });
});

describe("what is chosen for a conversation", () => {
  it("is sent to the server and comes back with it", async () => {
    const { api } = talkative();
    api.on("PATCH /conversations/c1", ({ body }) => conversation("c1", body));
    show(api, "/c/c1");
    fireEvent.click(await screen.findByRole("button", { name: "モデル: 標準モデル" }));
    fireEvent.click(await screen.findByRole("menuitemradio", { name: /庁内モデル/ }));
    await waitFor(() => expect(api.calledWith("PATCH /conversations/c1")[0]?.body).toEqual({ modelId: "m2" }));
  });
});
