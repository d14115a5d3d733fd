import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Me, Permission } from "@/lib/api/types";
import { byGroup } from "@/features/admin/roles/permission-list";
import { permissionKey } from "@/features/account/permission";
import { en } from "@/locales/en";
import { ja } from "@/locales/ja";
import { adminPlaces, firstPlace, lacking, openPlaces, placeAt } from "./admin-places";

const who = (...permissions: Permission[]): Me["account"] => ({ id: "a", email: "a@example.jp", name: "a", roles: [], permissions, withheld: [], mustChangePassword: false });
const names = (account: Me["account"]) => openPlaces(account).flatMap((group) => group.places.map((place) => place.name));

test("each sees the places that are open to them, and begins at the first", () => {
  expect(names(who("account.read", "account.write", "role.assign", "organisation.read", "organisation.write", "group.read", "role.read"))).toEqual(["accounts", "organisation", "groups", "roles"]);
  expect(names(who("model.read"))).toEqual(["models"]);
  expect(firstPlace(who("model.read"))).toBe("/admin/models");
  expect(firstPlace(who())).toBeUndefined();
  expect(openPlaces(who("system.read")).map((group) => group.question)).toEqual(["whoEnters", "whatLeaves", "whatStays"]);
});

test("a place that needs more than one permission says which is lacking", () => {
  const doctor = placeAt("/admin/doctor");
  expect(doctor && lacking(who("system.read"), doctor)).toBe("connection.read");
  expect(doctor && lacking(who("system.read", "connection.read", "connection.write"), doctor)).toBeUndefined();
  expect(placeAt("/admin/accounts/x")?.name).toBe("accounts");
  expect(placeAt("/admin/accountsx")).toBeUndefined();
});

test("every page of administration is in the table", () => {
  const router = readFileSync(join(import.meta.dirname, "../router.tsx"), "utf8");
  const paths = [...router.matchAll(/getParentRoute: \(\) => administration,\s*path: "(\/[a-z/-]+)"/g)].map((m) => `/admin${m[1] ?? ""}`);
  expect(paths.length).toBeGreaterThan(10);
  expect(adminPlaces.flatMap((group) => group.places.map((place): string => place.to)).sort()).toEqual(paths.sort());
});

test("every permission of the server has its words and its group", () => {
  const contract = JSON.parse(readFileSync(join(import.meta.dirname, "../../../../api/openapi.json"), "utf8")) as { components: { schemas: { Permission: { properties: { action: { enum: Permission[] } } } } } };
  const all = contract.components.schemas.Permission.properties.action.enum;
  expect(all.length).toBeGreaterThan(15);
  expect(byGroup(all).flatMap((group) => group.permissions).sort()).toEqual([...all].sort());
  for (const words of [ja, en]) expect(Object.keys(words.people.permission).sort()).toEqual(all.map((p): string => permissionKey(p)).sort());
});
