import { configure, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { answered, FakeApi, Problem, said, show, started } from "@/features/chat/testing";

configure({ asyncUtilTimeout: 5000 }); // the first test of a page loads it

const prompt = { id: "p1", kind: "system", name: "丁寧な文", body: "です・ますで", archived: false, variables: [] };

/** Somebody whose conversations begin with the prompt p1. */
function house(more: object = {}, rendered: object = { text: "です・ますで", missing: [] }) {
  const api = new FakeApi();
  api.me.preferences = { ...api.me.preferences, defaultPromptId: "p1" };
  api.on("GET /folders", () => ({ items: [] }));
  api.on("GET /prompts/p1", () => ({ ...prompt, ...more }));
  api.on("POST /prompts/p1/render", () => rendered);
  api.conversation("c1", [said("q1", "会議の案内"), answered("a1", "承知しました")]);
  api.on("POST /conversations", () => started("c1", "", said("q1", "会議の案内"), [answered("a1", "")]));
  return api;
}

async function send(api: FakeApi) {
  const user = userEvent.setup();
  await user.type(await screen.findByRole("textbox", { name: "頼みたいこと" }), "会議の案内");
  await user.click(await screen.findByRole("button", { name: "送信する" }));
  await waitFor(() => expect(api.calledWith("POST /conversations")).toHaveLength(1));
  return api.calledWith("POST /conversations")[0]?.body;
}

test("a conversation begins with the instructions that the person chose, and says so", async () => {
  const api = house();
  show(api, "/");
  await screen.findByText("「丁寧な文」の指示が入っています");
  expect(api.calledWith("POST /prompts/p1/render")[0]?.body).toMatchObject({ preview: true }); // looking is no use
  expect(await send(api)).toMatchObject({ systemPrompt: "です・ますで" });
});

test("the instructions can be taken out of one conversation", async () => {
  const api = house();
  show(api, "/");
  await userEvent.click(await screen.findByRole("button", { name: "指示を外す" }));
  expect(screen.queryByText(/指示が入っています/)).toBeNull();
  expect((await send(api))?.systemPrompt ?? "").toBe("");
});

test.each([
  ["is gone", () => house().on("GET /prompts/p1", () => new Problem(404, "not_found"))],
  ["was put away", () => house({ archived: true })],
  ["is a text to send by now", () => house({ kind: "message" })],
])("a prompt that %s keeps nobody from beginning, and the way to choose another is there", async (_what, make) => {
  const api = make();
  show(api, "/");
  expect(await screen.findByRole("link", { name: "設定で選び直す" })).toHaveProperty("hash", "#conversation");
  expect((await send(api))?.systemPrompt ?? "").toBe("");
});

test("a prompt with blanks is filled in first", async () => {
  const api = house({ variables: [{ name: "課", type: "text" }] }, { text: "課として", missing: ["課"] });
  show(api, "/");
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "入力して入れる" }));
  api.on("POST /prompts/p1/render", (call) => ({ text: `${(call.body.values as { 課: string }).課}として`, missing: [] }));
  await user.type(await screen.findByRole("textbox", { name: "課" }), "総務課");
  await user.click(screen.getByRole("button", { name: "この指示を使う" }));
  await screen.findByText("会話への指示が入っています");
  expect(await send(api)).toMatchObject({ systemPrompt: "総務課として" });
});

test("when the library does not answer, that is said, and one may ask again", async () => {
  const api = house().on("GET /prompts/p1", () => new Problem(500, "internal"));
  show(api, "/");
  await screen.findByText("はじめに入れる指示を読み込めませんでした");
  api.on("GET /prompts/p1", () => prompt);
  await userEvent.click(screen.getByRole("button", { name: "もう一度試す" }));
  await screen.findByText("「丁寧な文」の指示が入っています");
});
