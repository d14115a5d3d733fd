import { QueryClient } from "@tanstack/react-query";
import { afterEach, expect, it, vi } from "vitest";
import { type MessagesData, messagesQuery } from "./api";
import { flatten, mergeMessages, refreshMessages } from "./message-cache";
import { FakeApi, answered, said } from "./testing";

const data = (): MessagesData => ({ pages: [{ items: [said("u2", "二"), answered("a2", "に")], previousPageToken: "x" }, { items: [said("u1", "一"), answered("a1", "いち")] }], pageParams: ["", "x"] });

afterEach(() => {
  vi.unstubAllGlobals();
});

it("shows pages oldest first", () => {
  expect(flatten(data()).map((message) => message.id)).toEqual(["u1", "a1", "u2", "a2"]);
});

it("puts known messages in their place and new ones at the end, and leaves other pages as they are", () => {
  const before = data();
  const after = mergeMessages(before, [answered("a2", "新しい"), said("u3", "三")]);
  expect(flatten(after).map((message) => message.id)).toEqual(["u1", "a1", "u2", "a2", "u3"]);
  expect(after.pages[1]).toBe(before.pages[1]);
});

it("reads only the newest messages again when they join on to what is loaded", async () => {
  const api = new FakeApi().conversation("c1", [answered("a2", "直った"), said("u3", "三")]);
  vi.stubGlobal("fetch", api.fetch);
  const client = new QueryClient();
  client.setQueryData(messagesQuery("c1").queryKey, data());
  await refreshMessages(client, "c1");
  expect(flatten(client.getQueryData(messagesQuery("c1").queryKey)).map((message) => message.id)).toEqual(["u1", "a1", "u2", "a2", "u3"]);
  expect(api.calledWith("GET /conversations/c1/messages")).toHaveLength(1);
});
