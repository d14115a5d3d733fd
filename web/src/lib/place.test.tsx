import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Place } from "./api/types";
import { useErrorText } from "./error-text";
import { usePlaceText, useReasonText } from "./place";

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

function Reason({ reason, params }: { reason: string; params: Record<string, string> }) {
  return <p>{useReasonText()(reason, params) || "-"}</p>;
}

test.each<[string, Record<string, string>, string]>([
  ["region_barred", { rule: "Japan", region: "ap-northeast-2", profile: "apac.m" }, "ソウルで処理されることがあり、決まり「日本国内」で認めた場所ではありません"],
  ["country_barred", { rule: "国内", host: "llm.example", country: "US" }, "接続先 llm.example はアメリカ合衆国にあり、決まり「国内」で認めた国ではありません"],
  ["class_barred", { rule: "業務", class: "3" }, "機密性3の内容は、決まり「業務」で認められていません"],
  ["class_barred", { rule: "業務", class: "none" }, "機密性のない内容は、決まり「業務」で認められていません"],
  ["class_barred", { rule: "業務" }, "この機密性の内容は、決まり「業務」で認められていません"],
  ["something_newer", {}, "-"],
])("the words for the reason %s", (reason, params, words) => {
  render(<Reason reason={reason} params={params} />);
  expect(screen.getByText(words)).toBeTruthy();
});

test("a refusal says why, what to do, and the way that would pass", () => {
  function Refusal() {
    const text = useErrorText({ code: "residency_denied", detail: "", params: { reason: "anywhere_barred", rule: "国内", instead: "jp.m" } });
    return <p>{text.said}</p>;
  }
  render(<Refusal />);
  const said = screen.getByText(/場所の決まり/).textContent;
  expect(said).toContain("決まり「国内」で認めた場所に限られません。");
  expect(said).toContain("同じモデルの jp.m なら認められます。");
});
