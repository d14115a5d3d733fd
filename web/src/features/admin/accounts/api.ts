import { infiniteQueryOptions, queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { Account, Schemas } from "@/lib/api/types";

/** What narrows the list; it stands in the address. */
export interface AccountFilter {
  q?: string;
  state?: "active" | "disabled";
  role?: string;
  group?: string;
}

/** The accounts that match, fifty at a time. */
export const accountsQuery = (filter: AccountFilter) =>
  infiniteQueryOptions({
    queryKey: ["admin", "accounts", filter],
    queryFn: ({ signal, pageParam }) =>
      unwrap(
        api.GET("/admin/accounts", {
          params: { query: { search: filter.q, status: filter.state, roleId: filter.role, groupId: filter.group, limit: 50, pageToken: pageParam || undefined } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: (before) => before, // the old rows stay while a filter is typed
  });

/** An account that was just made, with the password to hand over. */
export type NewAccount = Schemas["CreatedAccount"];

export const addAccount = (body: Schemas["NewAccount"]) => unwrap(api.POST("/admin/accounts", { body }));
export const changeAccount = (id: string, body: Schemas["AccountChange"]) =>
  unwrap(api.PATCH("/admin/accounts/{id}", { params: { path: { id } }, body }));
export const resetPassword = (id: string) => unwrap(api.POST("/admin/accounts/{id}/password", { params: { path: { id } } }));
/** Where an account is signed in. */
export const accountSessionsQuery = (id: string) =>
  queryOptions({
    queryKey: ["admin", "accounts", "sessions", id],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/accounts/{id}/sessions", { params: { path: { id } }, signal })),
  });

export const endSession = (id: string, sessionId: string) => unwrap(api.DELETE("/admin/accounts/{id}/sessions/{sessionId}", { params: { path: { id, sessionId } } }));
export const endSessions = (id: string) => unwrap(api.DELETE("/admin/accounts/{id}/sessions", { params: { path: { id } } }));

/** Reads the lists of accounts again, and where they are signed in. */
export const refreshAccounts = (client: QueryClient) => client.invalidateQueries({ queryKey: ["admin", "accounts"] });

export type Role = "administrator" | "member";

/** Whether an account holds the mightiest role. */
export const isAdministrator = (account: Account) => account.roles.some((role) => role.roleId === "administrator" && !role.unitId);
/** The roles of an account that is to be an administrator, or is not. */
export const rolesAs = (role: Role, account?: Account) => [...(account?.roles ?? []).filter((held) => held.roleId !== "administrator"), ...(role === "administrator" ? [{ roleId: role }] : [])];
