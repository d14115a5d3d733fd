import { configure, createEvent, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { draftsOf } from "./drafts";
import { FakeApi, Live, answered, conversation, now, said, show, started } from "./testing";

configure({ asyncUtilTimeout: 5000 });

afterEach(() => {
  draftsOf("p1").clear("c1");
  draftsOf("p1").flush();
  localStorage.clear();
  vi.unstubAllGlobals();
});

const talk = () => new FakeApi().conversation("c1", [said("u1", "最初の依頼"), answered("a1", "最初の回答", { modelId: "m1" })]);

describe("a question", () => {
  it("is edited in its place, keeps its files, and is answered anew", async () => {
    const file = { type: "image" as const, attachmentId: "f1", name: "図.png", mediaType: "image/png", size: 3 };
    const api = new FakeApi().conversation("c1", [{ ...said("u1", "元の文"), parts: [{ type: "text", text: "元の文" }, file] }, answered("a1", "答え")]);
    api.on("POST /conversations/c1/messages/u1/edit", ({ body }) => started("c1", "", said("u2", String(body.text)), [answered("a2", "新しい答え")]));
    show(api, "/c/c1");
    fireEvent.click(await screen.findByRole("button", { name: "この依頼を書き直す" }));
    const box = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "書き直す文" });
    expect(document.activeElement).toBe(box);
    fireEvent.change(box, { target: { value: "へんかんちゅう" } });
    for (const init of [{ isComposing: true }, { keyCode: 229 }]) {
      const press = createEvent.keyDown(box, { key: "Enter", ...init });
      fireEvent(box, press);
      expect(press.defaultPrevented).toBe(false);
      fireEvent.keyDown(box, { key: "Escape", ...init });
    }
    expect(api.calledWith("POST /conversations/c1/messages/u1/edit")).toHaveLength(0);
    fireEvent.change(box, { target: { value: "直した文" } });
    fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/messages/u1/edit")[0]?.body).toMatchObject({ text: "直した文", attachmentIds: ["f1"] }));
    expect(await screen.findByText("新しい答え")).toBeTruthy();
    expect(screen.queryByText("元の文")).toBeNull();
    expect(screen.getByText("2件のうち2件目")).toBeTruthy();
  });

  it("stays as it was when the edit is given up", async () => {
    const api = talk();
    show(api, "/c/c1");
    fireEvent.click(await screen.findByRole("button", { name: "この依頼を書き直す" }));
    fireEvent.keyDown(screen.getByRole("textbox", { name: "書き直す文" }), { key: "Escape" });
    expect(screen.getByText("最初の依頼")).toBeTruthy();
    expect(api.calls.some((call) => call.path.endsWith("/edit"))).toBe(false);
  });
});

describe("an answer", () => {
  it("is asked for again, of another model too, and its versions are switched", async () => {
    const api = talk();
    const both = { siblingIds: ["a1", "a2"] };
    api.on("POST /conversations/c1/messages/a1/regenerate", () => started("c1", "u1", undefined, [answered("a2", "別の回答", both)]));
    show(api, "/c/c1");
    fireEvent.click(await screen.findByRole("button", { name: "答え直す" }));
    fireEvent.click(await screen.findByRole("menuitem", { name: "庁内モデル" }));
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/messages/a1/regenerate")[0]?.body.modelId).toBe("m2"));
    expect(await screen.findByText("別の回答")).toBeTruthy();
    api.conversation("c1", [said("u1", "最初の依頼"), answered("a1", "最初の回答", both)]).on("PUT /conversations/c1/branch", () => conversation("c1", { leafId: "a1" }));
    const before = screen.getByRole("button", { name: "前の案" });
    before.focus();
    fireEvent.click(before);
    expect(await screen.findByText("最初の回答")).toBeTruthy();
    expect(api.calledWith("PUT /conversations/c1/branch")[0]?.body).toEqual({ messageId: "a1" });
    expect(document.activeElement?.getAttribute("aria-label")).toBe("前の案");
  });

  it("says what was not read for it", async () => {
    show(new FakeApi().conversation("c1", [said("u1", "依頼"), answered("a1", "答え", { context: { tokens: 9, limit: 10, omitted: 12, summarised: false } })]), "/c/c1");
    expect(await screen.findByText(/はじめの12件のやり取りは読まずに/)).toBeTruthy();
  });

  it("is judged at once, with reasons if one likes", async () => {
    const api = talk().on("PUT /messages/a1/feedback", ({ body }) => body);
    show(api, "/c/c1");
    fireEvent.click(await screen.findByRole("button", { name: "良くない回答" }));
    const dialog = await screen.findByRole("dialog", { name: "良くなかったところ" });
    expect(api.calledWith("PUT /messages/a1/feedback")[0]?.body).toEqual({ rating: "bad" });
    fireEvent.click(within(dialog).getByRole("checkbox", { name: "内容が古い" }));
    fireEvent.click(within(dialog).getByRole("checkbox", { name: /管理者が読んでもよい/ }));
    fireEvent.click(within(dialog).getByRole("button", { name: "理由を送る" }));
    await waitFor(() => expect(api.calledWith("PUT /messages/a1/feedback")[1]?.body).toEqual({ rating: "bad", reasons: ["outdated"], comment: "", shareContent: true }));
  });
});

describe("side by side", () => {
  it("two models answer, each as it comes, and one is chosen", async () => {
    const api = talk();
    const live = [new Live(), new Live()];
    api.on("POST /conversations/c1/turns", () =>
      started("c1", "a1", said("u2", "比べて"), [
        answered("a2", "", { status: "running", runId: "r1", modelId: "m1", modelName: "標準モデル" }),
        answered("b2", "", { status: "running", runId: "r2", modelId: "m2", modelName: "庁内モデル" }),
      ], { comparing: true }));
    api.on("GET /runs/r1/events", () => live[0]).on("GET /runs/r2/events", () => live[1]);
    show(api, "/c/c1");
    fireEvent.click(await screen.findByRole("button", { name: "モデル: 標準モデル" }));
    fireEvent.click(await screen.findByRole("menuitem", { name: "並べて比べる" }));
    const dialog = await screen.findByRole("dialog", { name: "並べて比べるモデル" });
    fireEvent.click(within(dialog).getByRole("checkbox", { name: /庁内モデル/ }));
    fireEvent.click(within(dialog).getByRole("button", { name: "比べる" }));
    const box = screen.getByRole("textbox", { name: "頼みたいこと" });
    fireEvent.change(box, { target: { value: "比べて" } });
    fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/turns")[0]?.body.compareModelIds).toEqual(["m1", "m2"]));
    const beside = await screen.findByRole("region", { name: "並べた回答" });
    const ended = [answered("a2", "一つめ", { modelId: "m1" }), answered("b2", "二つめ", { modelId: "m2", modelName: "庁内モデル" })];
    api.conversation("c1", [said("u1", "最初の依頼"), answered("a1", "最初の回答"), said("u2", "比べて"), ...ended.slice(0, 1)], { comparing: true });
    const messages = api.routes["GET /conversations/c1/messages"];
    api.on("GET /conversations/c1/messages", (call) => ({ ...(messages?.(call) as object), compared: ended }));
    live[0]?.text(0, "一つめ");
    live[1]?.text(0, "二つめ");
    expect(await within(beside).findByText("一つめ")).toBeTruthy();
    expect(await within(beside).findByText("二つめ")).toBeTruthy();
    for (const one of live) one.end();
    api.on("PUT /conversations/c1/branch", () => {
      api.conversation("c1", [said("u1", "最初の依頼"), answered("a1", "最初の回答"), said("u2", "比べて"), { ...answered("b2", "二つめ", { modelId: "m2" }), siblingIds: ["a2", "b2"] }]);
      return conversation("c1", { leafId: "b2" });
    });
    api.on("PATCH /conversations/c1", ({ body }) => conversation("c1", body));
    await waitFor(() => expect(screen.getByRole("button", { name: "庁内モデル の回答で続ける" }).getAttribute("aria-disabled")).toBeNull());
    fireEvent.click(screen.getByRole("button", { name: "庁内モデル の回答で続ける" }));
    await waitFor(() => expect(screen.queryByRole("region", { name: "並べた回答" })).toBeNull());
    expect(screen.getByText("2件のうち2件目")).toBeTruthy();
    await waitFor(() => expect(api.calledWith("PATCH /conversations/c1")[0]?.body).toEqual({ modelId: "m2" }));
  });
});

describe("turns that wait", () => {
  it("are held after an answer that broke off, changed, and sent by hand", async () => {
    const api = new FakeApi().conversation("c1", [said("u1", "依頼"), answered("a1", "途中", { status: "stopped" })], { queue: [{ id: "q1", text: "次の依頼", attachmentIds: [], createdAt: now }] });
    api.on("PATCH /conversations/c1/queue/q1", ({ body }) => ({ id: "q1", attachmentIds: [], createdAt: now, ...body }));
    api.on("POST /conversations/c1/queue/send", () => started("c1", "a1", said("u2", "直した依頼"), [answered("a2", "答え")]));
    show(api, "/c/c1");
    expect(await screen.findByText("回答が途中で終わったため、まだ送っていません。")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "待っている依頼を書き直す" }));
    const box = screen.getByRole("textbox", { name: "待っている依頼を書き直す" });
    fireEvent.change(box, { target: { value: "直した依頼" } });
    fireEvent.keyDown(box, { key: "Enter" });
    await waitFor(() => expect(api.calledWith("PATCH /conversations/c1/queue/q1")[0]?.body).toEqual({ text: "直した依頼" }));
    api.conversation("c1", [said("u1", "依頼"), answered("a1", "途中", { status: "stopped" }), said("u2", "直した依頼"), answered("a2", "答え")]);
    fireEvent.click(await screen.findByRole("button", { name: "今すぐ送る" }));
    expect(await screen.findByText("答え")).toBeTruthy();
    await waitFor(() => expect(screen.queryByRole("region", { name: "待っている依頼" })).toBeNull());
  });
});

describe("the model's context", () => {
  it("is gauged, told in parts, and summarised", async () => {
    const gauge = { limitTokens: 1000, reservedTokens: 200, systemTokens: 50, summaryTokens: 0, fileTokens: 0, messageTokens: 650, omitted: 4, summarised: false, usage: {}, costs: [{ amount: 3, currency: "JPY" }] };
    const api = talk().on("GET /conversations/c1/context", () => gauge).on("POST /conversations/c1/summary", () => ({ messageId: "a1", text: "要約", modelName: "標準モデル" }));
    show(api, "/c/c1");
    fireEvent.click(await screen.findByRole("button", { name: "読ませる量: 上限の90%。内訳を開く" }));
    const dialog = await screen.findByRole("dialog", { name: "読ませる量" });
    expect(within(dialog).getByText("650 トークン")).toBeTruthy();
    expect(within(dialog).getByText(/はじめの4件のやり取りが上限に入りません/)).toBeTruthy();
    fireEvent.click(within(dialog).getByRole("button", { name: "はじめを要約する" }));
    await waitFor(() => expect(api.calledWith("POST /conversations/c1/summary")).toHaveLength(1));
  });
});
