import { expect, test } from "vitest";
import { changeOf, differences, merged, valuesOf } from "./draft";
import type { FactorSettings } from "./api";

const settings: FactorSettings = {
  roles: [{ role: "administrator", requirement: "required" }, { role: "auditor", requirement: "required" }],
  others: "optional", graceDays: 7, proofMinutes: 10, version: 3, passkeyUnavailable: "",
};

test("what was read is what is sent, unless it was changed", () => {
  expect(changeOf(valuesOf(settings), settings)).toEqual({ roles: settings.roles, others: "optional", graceDays: 7, proofMinutes: 10, version: 3 });
});

test("two who decide at once keep what each of them changed", () => {
  const base = valuesOf(settings);
  const mine = { ...base, roles: { ...base.roles, auditor: "optional" as const }, proofMinutes: 5 };
  const theirs = { ...base, roles: { ...base.roles, administrator: "optional" as const }, graceDays: 14 };
  const together = merged(base, mine, theirs);
  expect(together).toEqual({ roles: { administrator: "optional", auditor: "optional" }, others: "optional", graceDays: 14, proofMinutes: 5 });
  expect(differences(theirs, together)).toEqual(["role:auditor", "proofMinutes"]);
});

test("administrators have a line, also where nobody has named them", () => {
  expect(valuesOf({ ...settings, roles: [], others: "off" }).roles).toEqual({ administrator: "off" });
});
