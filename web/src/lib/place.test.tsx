import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Place } from "./api/types";
import { usePlaceText } from "./place";

function Text({ place }: { place: Place }) {
  return <p>{usePlaceText()(place)}</p>;
}

test.each<[string, Place, string]>([
  ["the machine Kakoi runs on", { kind: "server" }, "このサーバー"],
  ["a server by its name", { kind: "host", name: "llm.example" }, "llm.example"],
  ["a region that has a word", { kind: "region", name: "ap-northeast-1" }, "東京"],
  ["a region that is newer than the words", { kind: "region", name: "mars-north-1" }, "mars-north-1"],
  ["a geography, with the region that is called", { kind: "geography", name: "jp", from: "ap-northeast-1" }, "日本国内（東京から）"],
  ["a geography without it", { kind: "geography", name: "global" }, "世界各地"],
  ["a name that does not tell", { kind: "unknown", name: "prompt-router/x", from: "ap-northeast-1" }, "場所は不明（prompt-router/x）"],
])("the words for %s", (_what, place, words) => {
  render(<Text place={place} />);
  expect(screen.getByText(words)).toBeTruthy();
});
