import type { ChatSettings, ChatSettingsChange } from "./api";

/** The settings as they are filled in; NaN is "as installed". */
export interface Values {
  temporary: ChatSettings["temporary"];
  megabytes: number;
  perTurn: number;
  /** "0": conversations are not classified. */
  defaultClass: "0" | "1" | "2" | "3";
}

const megabyte = 1 << 20;
const rounded = (bytes: number) => Math.round((bytes / megabyte) * 10) / 10;

export function valuesOf(settings: ChatSettings): Values {
  return { temporary: settings.temporary, megabytes: rounded(settings.attachmentBytes) || NaN, perTurn: settings.attachmentsPerTurn || NaN, defaultClass: String(settings.defaultClass) as Values["defaultClass"] };
}

/** What is sent: a size that was not touched stays as it is to the byte. */
export function changeOf({ temporary, megabytes, perTurn, defaultClass }: Values, base: ChatSettings): ChatSettingsChange {
  const same = Object.is(megabytes, valuesOf(base).megabytes);
  return {
    temporary,
    attachmentBytes: same ? base.attachmentBytes : Math.round((megabytes || 0) * megabyte),
    attachmentsPerTurn: perTurn || 0,
    defaultClass: Number(defaultClass),
    version: base.version,
  };
}

const names = ["temporary", "megabytes", "perTurn", "defaultClass"] as const;

/** What two decided at once, put together: mine where I changed something, theirs everywhere else. */
export function merged(base: Values, mine: Values, theirs: Values): Values {
  const changed = differences(base, mine);
  const pick = <K extends keyof Values>(name: K) => (changed.includes(name) ? mine : theirs)[name];
  return { temporary: pick("temporary"), megabytes: pick("megabytes"), perTurn: pick("perTurn"), defaultClass: pick("defaultClass") };
}

/** The settings in which two differ. */
export function differences(one: Values, other: Values): (keyof Values)[] {
  return names.filter((name) => !Object.is(one[name], other[name]));
}
