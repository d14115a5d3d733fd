import { expect, it } from "vitest";
import { answeredBy } from "./answered-by";
import type { Message } from "./api";
import { answered, said } from "./testing";

const by = (id: string, modelName: string): Message => ({ ...answered(id, "はい"), modelName });
const named = (...messages: Message[]) => Object.fromEntries(answeredBy(messages));

it("names nobody while one model answers", () => {
  expect(named(said("u1", "一"), by("a1", "大"), said("u2", "二"), by("a2", "大"))).toEqual({});
});

it("names each model where it begins to answer", () => {
  expect(named(by("a1", "大"), said("u1", "一"), by("a2", "大"), by("a3", "小"), by("a4", "小"), by("a5", "大"))).toEqual({ a1: "大", a3: "小", a5: "大" });
});
