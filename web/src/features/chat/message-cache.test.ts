import { QueryClient } from "@tanstack/react-query";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Message, type MessagesData, messagesQuery } from "./api";
import { comparedOf, flatten, graft, putStarted, refreshMessages, replaceMessages } from "./message-cache";
import { FakeApi, answered, chained, said, started } from "./testing";

const data = (): MessagesData => {
  const all = chained([said("u1", "一"), answered("a1", "いち"), said("u2", "二"), answered("a2", "に")]);
  return { pages: [{ items: all.slice(2), previousPageToken: "u2", leafId: "a2" }, { items: all.slice(0, 2), leafId: "a2" }], pageParams: ["", "u2"] };
};
const ids = (of: MessagesData | undefined) => flatten(of).map((message) => message.id);
const after = (parentId: string, message: Message): Message => ({ ...message, parentId });

afterEach(() => {
  vi.unstubAllGlobals();
});

it("shows pages oldest first", () => {
  expect(ids(data())).toEqual(["u1", "a1", "u2", "a2"]);
});

it("puts known messages in their place, and leaves other pages as they are", () => {
  const before = data();
  const next = replaceMessages(before, [answered("a2", "新しい"), said("u9", "知らない")]);
  expect(ids(next)).toEqual(["u1", "a1", "u2", "a2"]);
  expect(flatten(next)[3]?.parts).toEqual([{ type: "text", text: "新しい" }]);
  expect(next.pages[1]).toBe(before.pages[1]);
});

describe("the end of a branch", () => {
  it("goes on from the end", () => {
    const next = graft(data(), { items: [after("a2", said("u3", "三"))], leafId: "u3", previousPageToken: "u3" });
    expect(ids(next)).toEqual(["u1", "a1", "u2", "a2", "u3"]);
  });

  it("takes the place of what followed the same message, also on an older page", () => {
    const next = graft(data(), { items: [after("a1", said("u3", "別の")), after("u3", answered("a3", "答え"))], leafId: "a3", previousPageToken: "u3" });
    expect(ids(next)).toEqual(["u1", "a1", "u3", "a3"]);
    expect(next?.pageParams).toEqual([""]);
    expect(next?.pages[0]?.previousPageToken).toBeUndefined();
  });

  it("is all there is when it begins at the beginning", () => {
    expect(ids(graft(data(), { items: [said("u9", "はじめから")], leafId: "u9" }))).toEqual(["u9"]);
  });

  it("does not join on to what is not loaded", () => {
    expect(graft(data(), { items: [after("a8", said("u9", "遠く"))], leafId: "u9", previousPageToken: "u9" })).toBeUndefined();
  });
});

it("reads only the newest messages again when they join on to what is loaded", async () => {
  const api = new FakeApi().conversation("c1", [after("u2", answered("a2", "直った")), said("u3", "三")]);
  const messages = api.routes["GET /conversations/c1/messages"];
  api.on("GET /conversations/c1/messages", async (call) => ({ ...(await messages?.(call) as object), previousPageToken: "a2" }));
  vi.stubGlobal("fetch", api.fetch);
  const client = new QueryClient();
  client.setQueryData(messagesQuery("c1").queryKey, data());
  await refreshMessages(client, "c1");
  expect(ids(client.getQueryData(messagesQuery("c1").queryKey))).toEqual(["u1", "a1", "u2", "a2", "u3"]);
  expect(api.calledWith("GET /conversations/c1/messages")).toHaveLength(1);
});

it("shows answers side by side until one is chosen", () => {
  const client = new QueryClient();
  const { queryKey } = messagesQuery("c1");
  client.setQueryData(queryKey, data());
  const two = started("c1", "a2", said("u3", "比べて"), [answered("a3", "", { status: "running" }), answered("b3", "", { status: "running" })], { comparing: true });
  putStarted(client, two);
  expect(ids(client.getQueryData(queryKey))).toEqual(["u1", "a1", "u2", "a2", "u3", "a3"]);
  expect(comparedOf(client.getQueryData(queryKey)).map((message) => message.id)).toEqual(["a3", "b3"]);
  putStarted(client, started("c1", "u3", undefined, [answered("b3", "もう一度", { status: "running" })], { comparing: true, leafId: "a3" }));
  expect(comparedOf(client.getQueryData(queryKey)).map((message) => message.parts.length)).toEqual([0, 1]);
  putStarted(client, started("c1", "a3", said("u4", "次"), [answered("a4", "")]));
  expect(comparedOf(client.getQueryData(queryKey))).toEqual([]);
});
