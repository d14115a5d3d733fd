import type { FactorSettings, Requirement } from "./api";

/** The settings as they are filled in: the requirement of each role by its name, and the rest. */
export interface Values {
  roles: Record<string, Requirement>;
  others: Requirement;
  graceDays: number;
  proofMinutes: number;
}

/** One setting: a role, or one of the others. */
export type Name = `role:${string}` | "others" | "graceDays" | "proofMinutes";

export function valuesOf(settings: FactorSettings): Values {
  return {
    // Administrators have a line of their own, whether or not they are named.
    roles: { administrator: settings.others, ...Object.fromEntries(settings.roles.map((r) => [r.role, r.requirement])) },
    others: settings.others,
    graceDays: settings.graceDays,
    proofMinutes: settings.proofMinutes,
  };
}

export function namesOf({ roles }: Values): Name[] {
  return [...Object.keys(roles).map((role) => `role:${role}` as const), "others", "graceDays", "proofMinutes"];
}

export function get(values: Values, name: Name): Requirement | number {
  if (name === "others" || name === "graceDays" || name === "proofMinutes") return values[name];
  return values.roles[name.slice("role:".length)] ?? values.others;
}

/** The settings in which two differ. */
export function differences(one: Values, other: Values): Name[] {
  return [...new Set([...namesOf(one), ...namesOf(other)])].filter((name) => !Object.is(get(one, name), get(other, name)));
}

/** What two decided at once, put together: mine where I changed something, theirs everywhere else. */
export function merged(base: Values, mine: Values, theirs: Values): Values {
  const together: Values = { ...theirs, roles: { ...theirs.roles } };
  for (const name of differences(base, mine)) {
    if (name === "graceDays" || name === "proofMinutes") together[name] = mine[name];
    else if (name === "others") together.others = mine.others;
    else together.roles[name.slice("role:".length)] = get(mine, name) as Requirement;
  }
  return together;
}

export function changeOf(values: Values, base: FactorSettings) {
  return {
    roles: Object.entries(values.roles).map(([role, requirement]) => ({ role, requirement })),
    others: values.others,
    graceDays: values.graceDays,
    proofMinutes: values.proofMinutes,
    version: base.version,
  };
}
