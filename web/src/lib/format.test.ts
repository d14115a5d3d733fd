import { expect, test } from "vitest";
import { daysAgo, formats } from "./format";

const ja = formats("ja");
const en = formats("en");
const at = new Date(2026, 10, 22, 14, 5);

test("dates are written as an office writes them", () => {
  expect(ja.dateTime(at)).toBe("2026年11月22日(日) 14:05");
  expect(ja.date(at)).toBe("2026年11月22日(日)");
  expect(en.dateTime(at)).toBe("Sun, 22 November 2026 14:05");
});

test("near dates are said in words, far ones in full", () => {
  const now = new Date(2026, 10, 22, 18, 0);
  expect(ja.near(at, now)).toBe("今日 14:05");
  expect(en.near(at, now)).toBe("Today 14:05");
  expect(en.within(at, now)).toBe("today 14:05");
  expect(ja.within(at, now)).toBe("今日 14:05");
  expect(ja.near(new Date(2026, 10, 21, 16, 40), now)).toBe("昨日 16:40");
  expect(ja.near(new Date(2026, 10, 18), now)).toBe("11月18日");
  expect(ja.near(new Date(2025, 2, 3), now)).toBe("2025年3月3日");
});

test("yesterday begins at midnight, not 24 hours ago", () => {
  expect(daysAgo(new Date(2026, 10, 21, 23, 59), new Date(2026, 10, 22, 0, 1))).toBe(1);
  expect(daysAgo(new Date(2026, 10, 22, 0, 1), new Date(2026, 10, 22, 23, 59))).toBe(0);
});

test("sizes and durations use the two largest units at most", () => {
  expect(ja.bytes(24_576)).toBe("24 KB");
  expect(ja.bytes(1_400_000)).toBe("1.3 MB");
  expect(ja.bytes(500)).toBe("500 B");
  expect(ja.duration(273_845_000)).toBe("3日4時間");
  expect(ja.duration(8_400)).toBe("8秒");
  expect(en.duration(3_600_000)).toBe("1 h");
});

test("money is never rounded to nothing", () => {
  expect(en.money(0.3, "USD")).toBe("$0.30");
  expect(en.money(0.000123, "USD")).toBe("$0.00012");
  expect(en.money(15, "USD")).toBe("$15.00");
  expect(ja.money(0.42, "JPY")).toMatch(/0\.42$/);
  expect(ja.money(1234, "JPY")).toMatch(/1,234$/);
});
