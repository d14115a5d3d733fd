import { expect, test } from "vitest";
import { exportUrl, feedbackParams } from "./api";

test("a period begins with a day, where the office is", () => {
  const now = new Date(2026, 10, 22, 15, 30);
  expect(feedbackParams({ days: "7" }, now).from).toBe(new Date(2026, 10, 16).toISOString());
  expect(feedbackParams({}, now).from).toBeUndefined();
});

test("an export has the filters of the list", () => {
  expect(exportUrl({ q: "数字 が", rating: "bad", reason: "inaccurate", model: "m1" }, "jsonl")).toBe("/api/v1/admin/feedback/export?format=jsonl&text=%E6%95%B0%E5%AD%97+%E3%81%8C&rating=bad&reason=inaccurate&modelId=m1");
  expect(exportUrl({}, "csv")).toBe("/api/v1/admin/feedback/export?format=csv");
});
