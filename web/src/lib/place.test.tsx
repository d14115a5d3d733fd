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
  ["a server whose country is declared", { kind: "host", name: "llm.example", country: "JP" }, "llm.example（日本）"],
  ["a region that has a word", { kind: "regions", regions: ["ap-northeast-1"] }, "東京"],
  ["a region that is newer than the words", { kind: "regions", regions: ["mars-north-1"] }, "mars-north-1"],
  ["one of two regions", { kind: "regions", regions: ["ap-northeast-1", "ap-northeast-3"], from: "ap-northeast-1" }, "東京・大阪"],
  [
    "one of many regions",
    { kind: "regions", regions: ["ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1"] },
    "東京・ソウル・大阪ほか2地域",
  ],
  ["anywhere, with the region that is called", { kind: "anywhere", from: "ap-northeast-1" }, "世界各地（東京から）"],
  ["anywhere", { kind: "anywhere" }, "世界各地"],
  ["a name that does not tell", { kind: "unknown", name: "prompt-router/x", from: "ap-northeast-1" }, "場所は不明（prompt-router/x）"],
])("the words for %s", (_what, place, words) => {
  render(<Text place={place} />);
  expect(screen.getByText(words)).toBeTruthy();
});
