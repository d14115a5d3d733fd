import { expect, test } from "vitest";
import { matches } from "./match";

test.each([
  ["粗大ごみ手数料", "ごみ", true],
  ["粗大ゴミ手数料", "ごみ", true],
  ["Ｃｌａｕｄｅ Sonnet", "claude sonnet", true],
  ["ｺﾞﾐの相談", "ごみ", true],
  ["粗大ごみ手数料", "粗大 手数料", true],
  ["粗大ごみ手数料", "議会", false],
  ["何でも", "", true],
])("%s for %s", (text, query, expected) => {
  expect(matches(text, query)).toBe(expected);
});
