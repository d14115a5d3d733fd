import type { ChatSettings, ChatSettingsChange } from "./api";

/** The settings as they are filled in; NaN is "as installed". */
export interface Values {
  temporary: ChatSettings["temporary"];
  megabytes: number;
  perTurn: number;
}

const megabyte = 1 << 20;
const rounded = (bytes: number) => Math.round((bytes / megabyte) * 10) / 10;

export function valuesOf(settings: ChatSettings): Values {
  return { temporary: settings.temporary, megabytes: rounded(settings.attachmentBytes) || NaN, perTurn: settings.attachmentsPerTurn || NaN };
}

/** What is sent: a size that was not touched stays as it is to the byte. */
export function changeOf({ temporary, megabytes, perTurn }: Values, base: ChatSettings): ChatSettingsChange {
  const same = Object.is(megabytes, valuesOf(base).megabytes);
  return {
    temporary,
    attachmentBytes: same ? base.attachmentBytes : Math.round((megabytes || 0) * megabyte),
    attachmentsPerTurn: perTurn || 0,
    version: base.version,
  };
}

/** The settings in which two differ. */
export function differences(one: Values, other: Values): (keyof Values)[] {
  return (["temporary", "megabytes", "perTurn"] as const).filter((name) => !Object.is(one[name], other[name]));
}
