import { describe, expect, it } from "vitest";
import { completeTail } from "./complete-tail";

describe("completeTail", () => {
  it.each([
    ["bold", "これは**太字", "これは**太字**"],
    ["bold with half its end", "これは**太字*", "これは**太字**"],
    ["bold that has not begun", "これは**", "これは"],
    ["finished bold", "これは**太字**です", "これは**太字**です"],
    ["bold and italics in each other", "**a *b", "**a *b***"],
    ["three stars", "***a", "***a***"],
    ["strikethrough", "~~a", "~~a~~"],
    ["code", "`let x", "`let x`"],
    ["code with stars in it", "`a**b", "`a**b`"],
    ["code that has not begun", "次は `", "次は "],
    ["a link's words", "[市のペ", "市のペ"],
    ["a link's address", "[市のページ](https://exam", "市のページ"],
    ["a finished link", "[市](https://example.jp) と", "[市](https://example.jp) と"],
    ["bold words of a link", "[**市", "**市**"],
    ["an image", "前 ![写真](https://tracker.exa", "前 "],
    ["an image's name", "前 ![写", "前 "],
    ["a task's box", "- [", "- "],
    ["a task's box with its mark", "- [x", "- "],
    ["a list's mark", "段落\n-", "段落\n"],
    ["an underline that may be a heading", "段落\n--", "段落\n"],
    ["a heading's mark", "段落\n\n##", "段落\n\n"],
    ["a number that may be a list", "段落\n1.", "段落\n"],
    ["a list item with bold", "- a\n- **b", "- a\n- **b**"],
    ["stars that are bullets", "* a\n* b", "* a\n* b"],
    ["stars that multiply", "2 * 3", "2 * 3"],
    ["underscores in a name", "snake_case_name", "snake_case_name"],
    ["an escaped star", "\\*a", "\\*a"],
    ["a formula", "式 $x^2 + ", "式 $x^2 + $"],
    ["an amount of dollars", "費用は $5 で", "費用は $5 で"],
    ["two amounts", "$5 and $10", "$5 and $10"],
    ["a formula in brackets", "式 \\(x^2", "式 \\(x^2\\)"],
    ["a display formula in a line", "式 $$x", "式 $$x$$"],
    ["the first cells of a table", "| 区分 | 品", "| 区分 | 品 |\n| --- | --- |"],
    ["a finished header", "| 区分 | 品目 |\n", "| 区分 | 品目 |\n| --- | --- |"],
    ["half a delimiter row", "| 区分 | 品目 |\n|--", "| 区分 | 品目 |\n| --- | --- |"],
    ["half a row", "| a | b |\n|---|---|\n| 1 | **2", "| a | b |\n|---|---|\n| 1 | **2** |"],
    ["a row that has only its bar", "| a | b |\n|---|---|\n|", "| a | b |\n|---|---|"],
    ["bars that are no table", "| a | b |\n| c | d |", "| a | b |\n| c | d |"],
    ["only the last block", "**a\n\n**b", "**a\n\n**b**"],
    ["code in a list", "1. x\n\n   ```sh\n   make **run", "1. x\n\n   ```sh\n   make **run"],
    ["the end of code in a list", "1. x\n\n   ```sh\n   make\n   ``", "1. x\n\n   ```sh\n   make"],
  ])("%s", (_name, source, want) => {
    expect(completeTail(source)).toBe(want);
  });

  it("never takes away more than what is being written", () => {
    const text = "一行目\n\n二行目の**太字**と[市](https://example.jp)と`code`です。\n\n- 一\n- 二\n\n三";
    for (let end = 1; end <= text.length; end++) {
      const source = text.slice(0, end);
      const settled = source.slice(0, source.lastIndexOf("\n\n") + 1);
      expect(completeTail(source).startsWith(settled)).toBe(true);
    }
  });
});
