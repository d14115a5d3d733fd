import { expect, test } from "vitest";
import { digitsOf, lettersOf } from "./code-form";

test.each([["123 456", "123456"], ["１２３　４５６", "123456"], ["123-456\n", "123456"], ["abc", ""]])("%j is the code %j", (typed, want) => expect(digitsOf(typed)).toBe(want));

test.each([["ABCDE-fgh23", "abcdefgh23"], ["ａｂｃｄｅ ｆｇｈ２３", "abcdefgh23"]])("%j is the recovery code %j", (typed, want) => expect(lettersOf(typed)).toBe(want));
