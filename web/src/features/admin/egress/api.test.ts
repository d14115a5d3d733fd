import { describe, expect, it } from "vitest";
import { monthsBetween, presentMonth, reportPath } from "./api";

describe("months", () => {
  it("are listed from the last to the first, over the turn of a year", () => {
    expect(monthsBetween("2025-11", "2026-02")).toEqual(["2026-02", "2026-01", "2025-12", "2025-11"]);
    expect(monthsBetween("2026-02", "2026-02")).toEqual(["2026-02"]);
  });

  it("end somewhere, and begin no later than they end", () => {
    expect(monthsBetween("1990-01", "2026-12")).toHaveLength(120);
    expect(monthsBetween("2026-05", "2026-02")).toEqual(["2026-02"]);
  });

  it("are Japan's", () => {
    expect(presentMonth(new Date("2026-11-30T14:59:59Z"))).toBe("2026-11");
    expect(presentMonth(new Date("2026-11-30T15:00:00Z"))).toBe("2026-12");
  });
});

it("a report is of a month and a form", () => {
  expect(reportPath("2026-11", "signed")).toBe("/admin/egress/report?month=2026-11&format=signed");
});
