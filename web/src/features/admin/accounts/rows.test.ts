import { expect, test } from "vitest";
import type { Account } from "@/lib/api/types";
import { alike, ends, newRole, postRows, postsOf, roleRows, rolesOf, validOf, validRow } from "./rows";

const account = {
  roles: [{ roleId: "auditor", from: "2026-04-01T01:02:03Z", until: "2027-03-31T15:00:00Z" }],
  posts: [
    { unitId: "u", title: "係長", main: true, from: "2026-04-01T01:02:03Z" },
    { unitId: "v", until: "2020-03-31T15:00:00Z" },
  ],
  validUntil: "2027-03-31T15:00:00Z",
} as unknown as Account;

test("what was not touched goes back as it came, and what is past is not sent", () => {
  expect(rolesOf(roleRows(account))).toEqual(account.roles);
  expect(postsOf(postRows(account))).toEqual(account.posts.slice(0, 1));
  expect(validOf(validRow(account))).toEqual({ until: "2027-03-31T15:00:00Z" });
  expect(alike(rolesOf(roleRows(account)), rolesOf(roleRows(account)))).toBe(true);
});

test("a day stands for its whole length in Japan", () => {
  const row = { ...newRole("auditor"), from: "2027-04-01", until: "2028-03-31" };
  expect(rolesOf([row])).toEqual([{ roleId: "auditor", from: "2027-03-31T15:00:00.000Z", until: "2028-03-31T15:00:00.000Z" }]);
  expect(ends(row)).toBe(false);
  expect(ends({ from: "2027-04-02", until: "2027-04-01" })).toBe(true);
});
