import { fireEvent, screen } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { draftsOf, newConversation } from "./drafts";
import { FakeApi, answered, conversation, model, said, show, started } from "./testing";

afterEach(() => {
  for (const id of [newConversation, "c1"]) draftsOf("p1").clear(id);
  draftsOf("p1").flush();
  vi.unstubAllGlobals();
});

/** An organisation that classifies, whose second model alone takes what is secret. */
function classifying() {
  const api = new FakeApi();
  api.limits = { ...api.limits, defaultClass: 2 };
  api.models = [{ ...model("m1", "標準モデル"), classes: [0, 1, 2] }, { ...model("m2", "庁内モデル"), classes: [0, 1, 2, 3] }];
  return api;
}

const picker = (name: string) => screen.findByRole("button", { name: `機密性: ${name}` });
const choose = async (from: string, to: string) => {
  fireEvent.click(await picker(from));
  fireEvent.click(await screen.findByRole("menuitemradio", { name: new RegExp(`^${to}`) }));
};

describe("the class of a conversation", () => {
  it("is not asked for where the organisation does not classify", async () => {
    show(new FakeApi(), "/");
    await screen.findByRole("textbox", { name: "頼みたいこと" });
    await screen.findByRole("button", { name: "モデル: 標準モデル" });
    expect(screen.queryByRole("button", { name: /^機密性/ })).toBeNull();
  });

  it("is the organisation's at first, and leads to a model that takes it", async () => {
    const api = classifying();
    api.on("POST /conversations", () => started("c9", "", said("u1", "人事の相談"), [])).conversation("c9", [said("u1", "人事の相談")]);
    show(api, "/");
    await screen.findByRole("button", { name: "モデル: 標準モデル" });
    await choose("機密性2", "機密性3");
    expect(await screen.findByRole("button", { name: "モデル: 庁内モデル" })).toBeTruthy();
    const field = await screen.findByRole("textbox", { name: "頼みたいこと" });
    fireEvent.change(field, { target: { value: "人事の相談" } });
    fireEvent.keyDown(field, { key: "Enter" });
    await vi.waitFor(() => expect(api.calledWith("POST /conversations")[0]?.body).toMatchObject({ class: 3, modelId: "m2" }));
  });

  it("changes with the model where that does not take it, and says so", async () => {
    const api = classifying();
    api.conversation("c1", [said("u1", "問い"), answered("a1", "答え")]);
    api.on("PATCH /conversations/c1", ({ body }) => conversation("c1", body));
    show(api, "/c/c1");
    await choose("機密性2", "機密性3");
    await vi.waitFor(() => expect(api.calledWith("PATCH /conversations/c1")[0]?.body).toEqual({ class: 3, modelId: "m2" }));
    expect(await screen.findByText("機密性3の内容を送れる「庁内モデル」に替えました")).toBeTruthy();
  });

  it("stops what no model takes before it is sent", async () => {
    const api = classifying();
    api.models = api.models.slice(0, 1);
    show(api, "/");
    await choose("機密性2", "機密性3");
    fireEvent.change(await screen.findByRole("textbox", { name: "頼みたいこと" }), { target: { value: "人事の相談" } });
    expect((await screen.findByRole("button", { name: "送信する" })).getAttribute("aria-disabled")).toBe("true");
    expect(await screen.findByText(/送れるモデルがありません/)).toBeTruthy();
  });
});
