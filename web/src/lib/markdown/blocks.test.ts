import { describe, expect, it } from "vitest";
import { type Block, type MarkdownDocument, MarkdownReader } from "./blocks";
import { samples } from "./samples";

const all = (document: MarkdownDocument) => document.groups.flat();
const shape = (block: Block) => ({ type: block.type, start: block.start, source: block.source, ...(block.type === "flow" ? { node: strip(block.node) } : { value: block.value }) });
const strip = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "position" ? undefined : inner)));
const feed = (reader: MarkdownReader, text: string, step = 1) => {
  for (let end = 1; end <= text.length; end += step) reader.read(text.slice(0, end), false);
};

describe("MarkdownReader", () => {
  it.each(Object.entries(samples))("ends at the same document however it grew: %s", (_name, text) => {
    const whole = new MarkdownReader().read(text, true);
    for (const step of [1, 2, 7, 40]) {
      const reader = new MarkdownReader();
      feed(reader, text, step);
      const grown = reader.read(text, true);
      expect(all(grown).map(shape)).toEqual(all(whole).map(shape));
      expect([...grown.footnoteNumbers]).toEqual([...whole.footnoteNumbers]);
    }
  });

  it("leaves settled blocks alone, down to their identity", () => {
    const reader = new MarkdownReader();
    const text = `${samples["a notice with a table and notes"]}\n${samples["code, a diagram and formulas"]}`;
    let before: readonly Block[] = [];
    for (let end = 1; end <= text.length; end += 3) {
      const blocks = all(reader.read(text.slice(0, end), false));
      const same = before.slice(0, -3);
      expect(blocks.slice(0, same.length).every((block, i) => block === same[i])).toBe(true);
      before = blocks;
    }
  });

  it("parses only the end of a long answer again", () => {
    const reader = new MarkdownReader();
    const long = "段落です。手数料は品目ごとに定められます。\n\n".repeat(9000); // 200,000 characters
    reader.read(long, false);
    const group = reader.read(`${long}い`, false).groups[3];
    const before = reader.parsed;
    for (let i = 1; i <= 50; i++) reader.read(long + "い".repeat(i), false);
    expect(reader.parsed - before).toBeLessThanOrEqual(50 * 3);
    expect(reader.read(long + "い".repeat(60), false).groups[3]).toBe(group);
  });

  it("does not parse fenced code, however long it grows", () => {
    const reader = new MarkdownReader();
    const code = "let x = 1; // **not bold**\n".repeat(4000);
    reader.read("```js\n", false);
    const before = reader.parsed;
    for (let end = 1000; end < code.length; end += 1000) reader.read(`\`\`\`js\n${code.slice(0, end)}`, false);
    expect(reader.parsed).toBe(before);
    expect(all(reader.read(`\`\`\`js\n${code}\`\`\`\n`, true))[0]).toMatchObject({ type: "code", language: "js", value: code.trimEnd(), open: false });
  });

  it("reads a long answer in windows to the same blocks", () => {
    const piece = "## 題\n\n- 一\n\n  続き\n- 二\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[^1] と段落。\n\n";
    const blocks = all(new MarkdownReader().read(`${piece.repeat(400)}[^1]: 注\n`, true));
    expect(blocks.slice(0, -1).map((block) => block.source)).toEqual(Array.from({ length: 400 }, () => ["## 題", "- 一\n\n  続き\n- 二", "| a | b |\n|---|---|\n| 1 | 2 |", "[^1] と段落。"]).flat());
  });

  it("knows a footnote whose text comes after code, grown or read at once", () => {
    const text = "合計は250件です[^1]。\n\n```go\nreturn\n```\n\n- [x] 受付\n\n[^1]: 10月末現在。\n";
    const reader = new MarkdownReader();
    feed(reader, text);
    for (const document of [reader.read(text, true), new MarkdownReader().read(text, true)]) expect([...document.footnoteNumbers]).toEqual([["1", 1]]);
  });

  it("numbers footnotes by first use and finds their text at the end", () => {
    const document = new MarkdownReader().read("二[^b]、一[^A]、二[^b]。\n\n[^a]: えー\n\n[^b]: びー\n", true);
    expect([...document.footnoteNumbers]).toEqual([
      ["b", 1],
      ["a", 2],
    ]);
    expect([...document.footnotes.keys()].sort()).toEqual(["a", "b"]);
  });

  it("takes a note without its text for a note while more may come, and for words at the end", () => {
    const reader = new MarkdownReader();
    expect(reader.read("本文[^x]。", false).footnoteNumbers.get("x")).toBe(1);
    expect(reader.read("本文[^x]。", true).footnoteNumbers.size).toBe(0);
  });

  it("starts over when the text is another", () => {
    const reader = new MarkdownReader();
    reader.read("# 一\n\n二\n\n三\n\n四\n\n", false);
    expect(all(reader.read("別の文", false)).map((block) => block.source)).toEqual(["別の文"]);
  });
});
