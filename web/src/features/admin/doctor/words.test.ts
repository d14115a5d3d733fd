import { renderHook } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import type { Step } from "./api";
import { counts, grouped, useStepWords } from "./words";

const step = (more: Partial<Step>): Step => ({ group: "server", name: "store", status: "ok", params: {}, facts: [], elapsedMs: 1, ...more });

describe("the steps of an examination", () => {
  test("stand under the heading of what they are about", () => {
    const of = (connectionId: string, connectionName: string, name: string) => step({ group: "connection", connectionId, connectionName, name });
    const groups = grouped([step({}), step({ name: "disk" }), of("a", "東京", "resolve"), of("b", "東京", "resolve"), of("b", "東京", "tls")]);
    expect(groups.map((g) => [g.group, g.name, g.steps.length, g.from])).toEqual([
      ["server", "", 2, 0],
      ["connection", "東京", 1, 2],
      ["connection", "東京", 2, 3], // two connections may have one name
    ]);
    expect(grouped([])).toEqual([]);
  });

  test("are counted", () => {
    expect(counts([step({}), step({ status: "failed" }), step({ status: "failed" }), step({ status: "skipped" })])).toEqual({ ok: 1, warning: 0, failed: 2, unknown: 0, skipped: 1 });
  });

  test("have words, with the values that the server gives and without those that it does not", () => {
    const { result } = renderHook(() => useStepWords());
    const role = result.current(step({ name: "role_2", status: "failed", code: "role_external_id", params: { role: "arn:x" }, facts: [{ name: "tags", value: "department" }] }));
    expect(role.name).toBe("役割の引き受け（2段目）");
    expect(role.what).toContain("arn:x");
    expect(role.facts).toEqual([{ name: "セッションタグ", value: "department" }]);
    const denied = result.current(step({ name: "answer", status: "failed", code: "denied_scp", params: { model: "m", region: "ap-northeast-3" } }));
    expect(denied.cause).not.toMatch(/\{\{|undefined/);
    expect(result.current(step({ name: "answer" })).what).toBe("");
  });

  test("say what was found as people write it", () => {
    const { result } = renderHook(() => useStepWords());
    const facts = [{ name: "listed", value: "true" }, { name: "validUntil", value: "2027-01-15T03:00:00Z" }, { name: "time", value: "2026-11-22T23:56:27Z" }, { name: "skew", value: "-1h3m0s" }, { name: "skew", value: "0s" }];
    expect(result.current(step({ name: "tls", facts })).facts.map((f) => f.value)).toEqual(["はい", expect.stringContaining("2027年1月15日"), "2026-11-22T23:56:27Z", "-1時間3分", "0秒"]);
    expect(result.current(step({ name: "clock", status: "warning", code: "clock_skew", params: { skew: "3m0s" } })).what).toContain("3分");
  });

  test("that are newer than the texts keep their own names", () => {
    const { result } = renderHook(() => useStepWords());
    expect(result.current(step({ name: "quantum", status: "failed", code: "entangled" }))).toMatchObject({ name: "quantum", what: "entangled", remedy: "" });
  });
});
