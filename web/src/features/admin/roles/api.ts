import { queryOptions, useQuery, type QueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, unwrap } from "@/lib/api/client";
import type { Schemas } from "@/lib/api/types";

export type Role = Schemas["Role"];
export type RoleDraft = Schemas["RoleDraft"];

/** The roles, the built-in ones first, and all permissions there are. */
export const rolesQuery = queryOptions({
  queryKey: ["admin", "roles"],
  queryFn: ({ signal }) => unwrap(api.GET("/admin/roles", { signal })),
});

export const addRole = (body: RoleDraft) => unwrap(api.POST("/admin/roles", { body }));
export const changeRole = (id: string, body: RoleDraft) => unwrap(api.PUT("/admin/roles/{id}", { params: { path: { id } }, body }));
export const deleteRole = (id: string) => unwrap(api.DELETE("/admin/roles/{id}", { params: { path: { id } } }));

/** Reads the roles again, and the accounts, which hold them. */
export const refreshRoles = (client: QueryClient) =>
  Promise.all([client.invalidateQueries({ queryKey: ["admin", "roles"] }), client.invalidateQueries({ queryKey: ["admin", "accounts"] }), client.invalidateQueries({ queryKey: ["me"], exact: true })]);

const builtIn = ["administrator", "department_administrator", "auditor"] as const;
type BuiltIn = (typeof builtIn)[number];
const isBuiltIn = (id: string): id is BuiltIn => (builtIn as readonly string[]).includes(id);

/** Gives the names of roles, and what they are for. */
export function useRoles() {
  const { t } = useTranslation("people");
  const query = useQuery(rolesQuery);
  const items = query.data?.items ?? [];
  return {
    query,
    items,
    name: (id: string) => (isBuiltIn(id) ? t(`role.${id}`) : (items.find((r) => r.id === id)?.name ?? t("roleGone"))),
    hint: (id: string) => (isBuiltIn(id) ? t(`roleHint.${id}`) : (items.find((r) => r.id === id)?.description ?? "")),
    /** Whether a role can be held for one unit. */
    scopable: (id: string) => {
      const permits = items.find((r) => r.id === id)?.permissions ?? [];
      return query.data?.permissions.some((p) => p.scopable && permits.includes(p.action)) ?? false;
    },
  };
}
