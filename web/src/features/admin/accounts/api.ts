import { infiniteQueryOptions, type QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { Account, List, Role } from "@/lib/api/types";

export interface AccountFilter {
  q?: string;
  state?: string;
  role?: string;
  group?: string;
}

export type AccountPage = List<Account> & { counts?: { total: number; active: number; disabled: number; administrators: number } };

/** The accounts that match, fifty at a time. */
export const accountsQuery = (filter: AccountFilter) =>
  infiniteQueryOptions({
    queryKey: ["admin", "accounts", filter],
    queryFn: ({ signal, pageParam }) =>
      unwrap<AccountPage>(
        api.GET("/admin/accounts", {
          params: { query: { search: filter.q, status: filter.state, role: filter.role, groupId: filter.group, limit: 50, pageToken: pageParam || undefined } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: (before) => before, // the old rows stay while a filter is typed
  });

export interface NewAccount {
  account: Account;
  temporaryPassword: string;
}

export const addAccount = (body: { email: string; name: string; role: Role; groupIds: string[] }) => unwrap<NewAccount>(api.POST("/admin/accounts", { body }));
export const changeAccount = (id: string, body: { name?: string; role?: Role; disabled?: boolean; groupIds?: string[] }) =>
  unwrap<Account>(api.PATCH("/admin/accounts/{id}", { params: { path: { id } }, body }));
export const resetPassword = (id: string) => unwrap<{ temporaryPassword: string }>(api.POST("/admin/accounts/{id}/password", { params: { path: { id } } }));
export const endSessions = (id: string) => unwrap<unknown>(api.DELETE("/admin/accounts/{id}/sessions", { params: { path: { id } } }));

/** Reads the lists of accounts again. */
export const refreshAccounts = (client: QueryClient) => client.invalidateQueries({ queryKey: ["admin", "accounts"] });
