import { describe, expect, it } from "vitest";
import type { ChatSettings } from "./api";
import { changeOf, differences, merged, valuesOf } from "./draft";

const settings = (more: Partial<ChatSettings> = {}): ChatSettings => ({ temporary: "allowed", attachmentBytes: 0, attachmentsPerTurn: 0, defaultClass: 0, version: 3, installed: { attachmentBytes: 20 << 20, attachmentsPerTurn: 10 }, ...more });

describe("the settings of conversations as a form", () => {
  it("leave empty what is as installed", () => {
    expect(valuesOf(settings())).toEqual({ temporary: "allowed", megabytes: NaN, perTurn: NaN, defaultClass: "0" });
    expect(changeOf(valuesOf(settings()), settings())).toEqual({ temporary: "allowed", attachmentBytes: 0, attachmentsPerTurn: 0, defaultClass: 0, version: 3 });
  });

  it("keep a size that was not touched to the byte, and write one that was in bytes", () => {
    const odd = settings({ attachmentBytes: 5_000_000 });
    expect(valuesOf(odd).megabytes).toBe(4.8);
    expect(changeOf(valuesOf(odd), odd).attachmentBytes).toBe(5_000_000);
    expect(changeOf({ ...valuesOf(odd), megabytes: 2.5 }, odd).attachmentBytes).toBe(2.5 * (1 << 20));
  });

  it("are put together so that neither loses what they changed", () => {
    const base = valuesOf(settings());
    const mine = { ...base, perTurn: 3 };
    expect(merged(base, mine, { temporary: "off", megabytes: 5, perTurn: 2, defaultClass: "2" })).toEqual({ temporary: "off", megabytes: 5, perTurn: 3, defaultClass: "2" });
    expect(merged(base, mine, base)).toEqual(mine);
  });

  it("differ where they differ", () => {
    const values = valuesOf(settings());
    expect(differences(values, { ...values })).toEqual([]);
    expect(differences(values, { ...values, temporary: "off", megabytes: 1 })).toEqual(["temporary", "megabytes"]);
  });
});
