import { expect, test } from "vitest";
import { dayEnd, dayOf, dayStart, lastDayOf, nextApril } from "./day";

test("a day begins at midnight in Japan and ends with the next", () => {
  expect(dayStart("2027-04-01")).toBe("2027-03-31T15:00:00.000Z");
  expect(dayEnd("2027-03-31")).toBe("2027-03-31T15:00:00.000Z");
  expect(dayOf("2027-03-31T15:00:00Z")).toBe("2027-04-01");
  expect(dayOf("2027-03-31T14:59:59Z")).toBe("2027-03-31");
  expect(lastDayOf("2027-03-31T15:00:00Z")).toBe("2027-03-31");
});

test("the next first of April is not the one of today", () => {
  expect(nextApril(new Date("2027-03-31T14:59:59Z"))).toBe("2027-04-01");
  expect(nextApril(new Date("2027-03-31T15:00:00Z"))).toBe("2028-04-01");
});
