import { expect, test } from "vitest";
import { endOf } from "./share-form";

const now = new Date(2026, 10, 22, 14, 5);

test("a term is counted from now, a date to the end of its day", () => {
  expect(endOf({ term: "week", date: "" }, undefined, now)).toBe(new Date(2026, 10, 29, 14, 5).toISOString());
  expect(endOf({ term: "date", date: "2026-12-22" }, undefined, now)).toBe(new Date(2026, 11, 22, 23, 59, 59).toISOString());
  expect(endOf({ term: "never", date: "" }, undefined, now)).toBeUndefined();
});

test("a time that is not touched stays", () => {
  const share = { expiresAt: "2026-12-01T00:00:00Z" } as Parameters<typeof endOf>[1];
  expect(endOf({ term: "asItIs", date: "" }, share, now)).toBe("2026-12-01T00:00:00Z");
});
