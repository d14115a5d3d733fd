import type { Account } from "@/lib/api/types";
import { dayEnd, dayOf, dayStart, lastDayOf } from "@/lib/day";
import { isPast, type Held, type Post } from "./api";

// What an account holds from when to when, as a form has it: days, the last one
// included. What was not touched goes back as the moment that it was.

interface Days {
  /** Empty: no such day. */
  from: string;
  until: string;
}

interface Moments {
  from?: string;
  until?: string;
}

/** A row of the form, with a key of its own. */
export type Row<T> = T & Days & { key: number; was: Moments };
export type RoleRow = Row<{ roleId: string; unitId: string }>;
export type PostRow = Row<{ unitId: string; title: string; main: boolean }>;

let keys = 0;
const days = ({ from, until }: Moments): Days => ({ from: from ? dayOf(from) : "", until: until ? lastDayOf(until) : "" });

/** The moments that a row's days stand for. */
function moments({ from, until, was }: Days & { was: Moments }): Moments {
  const before = days(was);
  return {
    ...(from && { from: from === before.from ? was.from : dayStart(from) }),
    ...(until && { until: until === before.until ? was.until : dayEnd(until) }),
  };
}

const none: Days & { was: Moments } = { from: "", until: "", was: {} };

export const newRole = (roleId: string, unitId = ""): RoleRow => ({ key: ++keys, roleId, unitId, ...none });
export const newPost = (main: boolean, unitId = ""): PostRow => ({ key: ++keys, unitId, title: "", main, ...none });

export const roleRows = (account?: Account): RoleRow[] => (account?.roles ?? []).map((held) => ({ key: ++keys, roleId: held.roleId, unitId: held.unitId ?? "", ...days(held), was: held }));

/** Posts of now and later; past ones stay as they were. */
export const postRows = (account?: Account): PostRow[] => (account?.posts ?? []).filter((post) => !isPast(post)).map((post) => ({ key: ++keys, unitId: post.unitId, title: post.title ?? "", main: post.main ?? false, ...days(post), was: post }));

export const rolesOf = (rows: RoleRow[]): Held[] => rows.map((row) => ({ roleId: row.roleId, ...(row.unitId && { unitId: row.unitId }), ...moments(row) }));
export const postsOf = (rows: PostRow[]): Post[] => rows.map((row) => ({ unitId: row.unitId, ...(row.title.trim() && { title: row.title.trim() }), main: row.main, ...moments(row) }));

export const validRow = (account?: Account) => {
  const was = { from: account?.validFrom, until: account?.validUntil };
  return { ...days(was), was };
};
export const validOf = (row: Days & { was: Moments }): Moments => moments(row);

/** Whether two say the same when they are sent. */
export const alike = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** Whether the last day comes before the first. */
export const ends = ({ from, until }: Days) => Boolean(from && until && until < from);
