import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { draftsOf, newConversation, temporaryConversation } from "./drafts";
import { FakeApi, Live, Problem, answered, said, show } from "./testing";

afterEach(() => {
  for (const id of [newConversation, temporaryConversation, "c1"]) draftsOf("p1").clear(id);
  draftsOf("p1").flush();
  localStorage.clear();
  vi.unstubAllGlobals();
});

const path = "POST /temporary/turns";
const field = () => screen.findByRole<HTMLTextAreaElement>("textbox", { name: "頼みたいこと" });
const type = async (text: string) => {
  const box = await field();
  fireEvent.change(box, { target: { value: text } });
  return box;
};
const send = async (text: string) => fireEvent.keyDown(await type(text), { key: "Enter" });

/** Everything that the browser would keep. */
const kept = () => JSON.stringify({ ...localStorage });

/** An API that answers temporary turns by streams that the test writes, one after the other. */
function unkept() {
  const api = new FakeApi();
  const lives: Live[] = [];
  api.on(path, () => {
    const live = new Live();
    lives.push(live);
    return live;
  });
  const live = async (n: number) => {
    await waitFor(() => expect(lives.length).toBe(n));
    return lives[n - 1] as Live;
  };
  return { api, live };
}

describe("a temporary conversation", () => {
  it("sends the whole of it each time, shows reasoning and answer as they come, and leaves nothing behind", async () => {
    const { api, live } = unkept();
    const { router } = show(api, "/temporary");
    expect(await screen.findByText("この会話は残りません")).toBeTruthy();
    await send("極秘の問い");
    expect(await screen.findByText("一時的な会話です。どこにも残らず、画面を閉じるか読み込み直すと消えます。")).toBeTruthy();
    const first = await live(1);
    first.send({ type: "reasoning-delta", id: "0", delta: "考え中" });
    expect(await screen.findByRole("button", { name: /考えています/ })).toBeTruthy();
    first.text(1, "極秘の**答え**").end({ status: "complete", stopReason: "end", reasoningMs: 3000 });
    expect((await screen.findByText("答え")).tagName).toBe("STRONG");
    expect(await screen.findByRole("button", { name: "3秒考えました" })).toBeTruthy();
    expect(screen.getByRole("button", { name: "回答をコピーする" })).toBeTruthy();
    expect(screen.queryByRole("button", { name: "良い回答" })).toBeNull(); // there is nothing to rate by

    await send("極秘の続き");
    (await live(2)).text(0, "次").end();
    expect(await screen.findByText("次")).toBeTruthy();
    expect(api.calledWith(path)[1]?.body).toMatchObject({
      modelId: "m1",
      messages: [
        { role: "user", text: "極秘の問い" },
        { role: "assistant", text: "極秘の**答え**" },
        { role: "user", text: "極秘の続き" },
      ],
    });
    await type("極秘の書きかけ");
    draftsOf("p1").flush();
    expect(kept()).not.toContain("極秘");
    expect(api.calls.some((call) => call.method !== "GET" && call.path !== "/temporary/turns")).toBe(false);
    expect(router.state.location.pathname).toBe("/temporary");
  });

  it("can be stopped, and the answer be tried again in its place", async () => {
    const { api, live } = unkept();
    show(api, "/temporary");
    await send("長い依頼");
    (await live(1)).text(0, "途中まで");
    expect(await screen.findByText("途中まで")).toBeTruthy();
    const box = await type("次の依頼");
    expect(screen.queryByRole("button", { name: "待たせて送る" })).toBeNull();
    fireEvent.keyDown(box, { key: "Enter" });
    fireEvent.click(screen.getByRole("button", { name: "止める" }));
    expect(await screen.findByText("ここで止めました。")).toBeTruthy();
    expect(box.value).toBe("次の依頼");
    fireEvent.click(screen.getByRole("button", { name: "もう一度試す" }));
    (await live(2)).text(0, "始めから").end();
    expect(await screen.findByText("始めから")).toBeTruthy();
    expect(screen.queryByText("途中まで")).toBeNull();
    expect(api.calledWith(path)[1]?.body.messages).toEqual([{ role: "user", text: "長い依頼" }]);
  });

  describe("begins with the instructions that the person chose for new conversations", () => {
    const text = "です・ますで";
    function house() {
      const { api, live } = unkept();
      api.me.preferences = { ...api.me.preferences, defaultPromptId: "p1" };
      api.on("GET /prompts/p1", () => ({ id: "p1", kind: "system", name: "丁寧な文", body: text, archived: false, variables: [] }));
      api.on("POST /prompts/p1/render", () => ({ text, missing: [] }));
      return { api, live };
    }

    it("says so, and goes on with them whatever the prompt says later", async () => {
      const { api, live } = house();
      const { client } = show(api, "/temporary");
      expect(await screen.findByText("「丁寧な文」の指示が入っています")).toBeTruthy();
      await send("一つめ");
      (await live(1)).text(0, "答え").end();
      expect(await screen.findByText("答え")).toBeTruthy();
      expect(screen.queryByText(/指示が入っています/)).toBeNull();
      api.on("POST /prompts/p1/render", () => ({ text: "だ・であるで", missing: [] }));
      await client.invalidateQueries({ queryKey: ["prompts"] });
      expect(api.calledWith("POST /prompts/p1/render")).toHaveLength(2);
      await send("二つめ");
      await live(2);
      expect(api.calledWith(path).map((call) => call.body.systemPrompt)).toEqual([text, text]);
    });

    it("and without them where they were taken out", async () => {
      const { api, live } = house();
      show(api, "/temporary");
      fireEvent.click(await screen.findByRole("button", { name: "指示を外す" }));
      expect(screen.queryByText(/指示が入っています/)).toBeNull();
      await send("依頼");
      await live(1);
      expect(api.calledWith(path)[0]?.body.systemPrompt).toBe("");
    });

    it("also where there are no others", async () => {
      const { api, live } = house();
      api.limits.temporary = "enforced";
      const { router } = show(api, "/");
      await waitFor(() => expect(router.state.location.pathname).toBe("/temporary"));
      expect(await screen.findByText("「丁寧な文」の指示が入っています")).toBeTruthy();
      await send("依頼");
      await live(1);
      expect(api.calledWith(path)[0]?.body.systemPrompt).toBe(text);
    });
  });

  it("says why an answer failed, and asks again", async () => {
    const { api, live } = unkept();
    show(api, "/temporary");
    await send("依頼");
    (await live(1)).end({ status: "failed", error: { code: "model_throttled" } });
    expect(await screen.findByText("モデルが混み合っています")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "もう一度試す" }));
    const cut = await live(2);
    cut.text(0, "半分");
    expect(await screen.findByText("半分")).toBeTruthy();
    cut.close();
    expect(await screen.findByText("回答が途中で切れました")).toBeTruthy();
    expect(screen.getByText("半分")).toBeTruthy();
  });

  it("gives the words back when the turn is refused", async () => {
    const api = new FakeApi().on(path, () => new Problem(503, "unavailable"));
    show(api, "/temporary");
    const box = await type("大事な依頼");
    fireEvent.keyDown(box, { key: "Enter" });
    expect(await screen.findByText("Kakoi は今、応答できません")).toBeTruthy();
    await waitFor(async () => expect((await field()).value).toBe("大事な依頼"));
    expect(screen.queryByRole("article")).toBeNull();
    expect(kept()).not.toContain("大事な依頼");
  });

  it("takes files along without sending them anywhere else", async () => {
    const { api, live } = unkept();
    show(api, "/temporary");
    await screen.findByText(/処理 llm.example/);
    fireEvent.drop(await field(), { dataTransfer: { files: [new File(["氏名,額"], "台帳.csv", { type: "text/csv" })], types: ["Files"] } });
    expect(await screen.findByText("台帳.csv")).toBeTruthy();
    await send("読んで");
    (await live(1)).text(0, "読みました").end();
    expect(await screen.findByText("読みました")).toBeTruthy();
    expect(api.calledWith(path)[0]?.body.messages).toEqual([{ role: "user", text: "読んで", files: [{ name: "台帳.csv", data: btoa(String.fromCharCode(...new TextEncoder().encode("氏名,額"))) }] }]);
    expect(api.calls.some((call) => call.path.startsWith("/attachments"))).toBe(false);
    expect(screen.getByRole("link", { name: /台帳.csv/ }).getAttribute("href")).toMatch(/^blob:/);
  });

  it("asks before it is left with something in it, and is gone afterwards", async () => {
    const { api, live } = unkept();
    const { router } = show(api, "/temporary");
    await send("依頼");
    (await live(1)).text(0, "答え").end();
    expect(await screen.findByText("答え")).toBeTruthy();
    void router.navigate({ to: "/" });
    const ask = await screen.findByRole("alertdialog", { name: "一時的な会話を消して移りますか" });
    fireEvent.click(within(ask).getByRole("button", { name: "やめる" }));
    await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
    expect(screen.getByText("答え")).toBeTruthy();
    void router.navigate({ to: "/" });
    fireEvent.click(await screen.findByRole("button", { name: "消して移る" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/"));
    await router.navigate({ to: "/temporary" });
    expect(await screen.findByText("この会話は残りません")).toBeTruthy();
    expect(screen.queryByText("答え")).toBeNull();
  });
});

describe("the policy", () => {
  it("lets one choose, and takes what is drafted out of the browser's store and back", async () => {
    const api = new FakeApi();
    const { router } = show(api, "/");
    await type("移す文");
    draftsOf("p1").flush();
    expect(kept()).toContain("移す文");
    fireEvent.click(await screen.findByRole("switch", { name: "一時的な会話" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/temporary"));
    await waitFor(async () => expect((await field()).value).toBe("移す文"));
    draftsOf("p1").flush();
    expect(kept()).not.toContain("移す文");
    fireEvent.click(await screen.findByRole("switch", { name: "一時的な会話" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/"));
    await waitFor(async () => expect((await field()).value).toBe("移す文"));
    expect(screen.queryByRole("alertdialog")).toBeNull();
  });

  it("off: hides it, and says so to who comes by its address", async () => {
    const api = new FakeApi();
    api.limits.temporary = "off";
    const { router } = show(api, "/");
    await screen.findByText(/処理 llm.example/);
    expect(screen.queryByRole("switch")).toBeNull();
    await router.navigate({ to: "/temporary" });
    expect(await screen.findByRole("heading", { name: "この組織では、一時的な会話を使えません" })).toBeTruthy();
    expect(screen.queryByRole("textbox")).toBeNull();
  });

  it("enforced: every new conversation is temporary, and old ones do not go on", async () => {
    const api = new FakeApi().conversation("c1", [said("u1", "前の依頼"), answered("a1", "前の回答")]);
    api.limits.temporary = "enforced";
    const { router } = show(api, "/");
    await waitFor(() => expect(router.state.location.pathname).toBe("/temporary"));
    expect(await screen.findByText("この組織では、会話はすべて一時的で、残りません")).toBeTruthy();
    expect(screen.queryByRole("switch")).toBeNull();
    await router.navigate({ to: "/c/$conversationId", params: { conversationId: "c1" } } as never);
    expect(await screen.findByText("前の回答")).toBeTruthy();
    expect(screen.getByRole("link", { name: "一時的な会話を始める" }).getAttribute("href")).toBe("/temporary");
    await send("続き");
    expect(api.calledWith("POST /conversations/c1/turns")).toHaveLength(0);
  });

  it("that changes under an open page leads on with the words", async () => {
    const api = new FakeApi().on("POST /conversations", () => {
      api.limits.temporary = "enforced";
      return new Problem(403, "temporary_policy");
    });
    const { router } = show(api, "/");
    await screen.findByText(/処理 llm.example/);
    await send("送りかけ");
    await waitFor(() => expect(router.state.location.pathname).toBe("/temporary"));
    await waitFor(async () => expect((await field()).value).toBe("送りかけ"));
  });
});
