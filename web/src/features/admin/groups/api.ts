import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { Schemas } from "@/lib/api/types";

/** The groups, by name. */
export const groupsQuery = queryOptions({
  queryKey: ["admin", "groups"],
  queryFn: ({ signal }) => unwrap(api.GET("/admin/groups", { params: { query: { limit: 200 } }, signal })),
});

/** Who is in a group. */
export const membersQuery = (id: string) =>
  queryOptions({
    queryKey: ["admin", "groups", id, "members"],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/groups/{id}/members", { params: { path: { id } }, signal })),
  });

export type Rule = Schemas["GroupRule"];

/** How many people a rule fits now; nothing changes. */
export const fittingQuery = (rule: Rule) =>
  queryOptions({
    queryKey: ["admin", "groups", "fitting", rule],
    queryFn: ({ signal }) => unwrap(api.POST("/admin/groups/preview", { body: rule, signal })),
    retry: false,
  });

export const addGroup = (name: string, rule?: Rule) => unwrap(api.POST("/admin/groups", { body: { name, ...(rule && { rule }) } }));
export const setRule = (id: string, rule: Rule) => unwrap(api.PUT("/admin/groups/{id}/rule", { params: { path: { id } }, body: rule }));
export const renameGroup = (id: string, name: string) => unwrap(api.PATCH("/admin/groups/{id}", { params: { path: { id } }, body: { name } }));
export const deleteGroup = (id: string) => unwrap(api.DELETE("/admin/groups/{id}", { params: { path: { id } } }));
export const addMember = (id: string, accountId: string) => unwrap(api.PUT("/admin/groups/{id}/members/{accountId}", { params: { path: { id, accountId } } }));
export const removeMember = (id: string, accountId: string) => unwrap(api.DELETE("/admin/groups/{id}/members/{accountId}", { params: { path: { id, accountId } } }));

/** Reads the groups and their members again, and the accounts, which name their groups. */
export async function refreshGroups(client: QueryClient) {
  await Promise.all([client.invalidateQueries({ queryKey: ["admin", "groups"] }), client.invalidateQueries({ queryKey: ["admin", "accounts"] })]);
}
