import { infiniteQueryOptions, queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { Account, Schemas } from "@/lib/api/types";

/** What narrows the list; it stands in the address. */
export interface AccountFilter {
  q?: string;
  state?: "active" | "disabled";
  role?: string;
  /** With all below it. */
  unit?: string;
  group?: string;
}

/** What a list of accounts can be sorted by. */
export const accountSorts = ["email", "name", "lastSignedIn"] as const;

/** The order of the list; it stands in the address too. */
export interface AccountOrder {
  sort?: (typeof accountSorts)[number];
  /** The last of the order first. */
  down?: boolean;
}

/** A filter as the API takes it. */
export const wish = (filter: AccountFilter): Schemas["AccountWish"] => ({
  search: filter.q || undefined,
  status: filter.state,
  roleId: filter.role,
  unitId: filter.unit,
  groupId: filter.group,
});

/** The accounts that match, fifty at a time. */
export const accountsQuery = ({ sort, down, ...filter }: AccountFilter & AccountOrder) =>
  infiniteQueryOptions({
    queryKey: ["admin", "accounts", filter, sort, down],
    queryFn: ({ signal, pageParam }) =>
      unwrap(
        api.GET("/admin/accounts", {
          params: { query: { ...wish(filter), sort, descending: down, limit: 50, pageToken: pageParam || undefined } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: (before) => before, // the old rows stay while a filter is typed
  });

/** One account, wherever it stands in the list. */
export const accountQuery = (id: string) =>
  queryOptions({
    queryKey: ["admin", "accounts", "one", id],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/accounts/{id}", { params: { path: { id } }, signal })),
  });

/** Does one act on many accounts; the answer names those for which it failed. */
export const changeAccounts = (body: Schemas["AccountsOrder"]) => unwrap(api.POST("/admin/accounts/bulk", { body }));
export type BulkAct = Schemas["AccountsOrder"]["act"];
export type BulkReport = Schemas["AccountsReport"];

/** The address of the table of all accounts that match. */
export function exportAddress({ sort, down, ...filter }: AccountFilter & AccountOrder): string {
  const query = new URLSearchParams(Object.entries(wish(filter)).filter(([, value]) => value));
  if (sort) query.set("sort", sort);
  if (down) query.set("descending", "true");
  return `/api/v1/admin/accounts/export?${query.toString()}`;
}

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

/** Whether a span of time holds now. */
export const holds = ({ from, until }: { from?: string; until?: string }, now = Date.now()) => (!from || Date.parse(from) <= now) && (!until || now < Date.parse(until));
/** Whether it is past. */
export const isPast = ({ until }: { until?: string }, now = Date.now()) => until !== undefined && Date.parse(until) <= now;

export type Post = Account["posts"][number];
export type Held = Account["roles"][number];

/** The posts of now, the main one first. */
export const postsNow = (account: Account): Post[] => account.posts.filter((post) => holds(post)).sort((a, b) => Number(b.main ?? false) - Number(a.main ?? false));
/** The roles of now. */
export const rolesNow = (account: Account): Held[] => account.roles.filter((role) => holds(role));
