import { type InfiniteData, infiniteQueryOptions, type QueryClient, queryOptions } from "@tanstack/react-query";
import { conversationsKey, pageSize } from "@/features/chat/api";
import { api, unwrap } from "@/lib/api/client";
import type { Schemas } from "@/lib/api/types";

export type Sharing = Schemas["Sharing"];
export type ListedShare = Schemas["ListedShare"];
export type SharedPage = Schemas["SharedPage"];
export type SharedPages = InfiniteData<SharedPage, unknown>;
export type SharedWith = Schemas["SharedWith"];
export type SharedPerson = Schemas["SharedPerson"];
export type SharedGroup = Schemas["SharedGroup"];
export type NewShare = Schemas["NewShare"];
export type ShareChange = Schemas["ShareChange"];
/** What one shares, or what others share with one. */
export type ShareScope = "mine" | "shared";

const key = ["shares"] as const;

/** How one's conversation is shared. */
export const sharesQuery = (conversationId: string) =>
  queryOptions({
    queryKey: [...key, "of", conversationId],
    queryFn: ({ signal }) => unwrap(api.GET("/conversations/{id}/shares", { params: { path: { id: conversationId } }, signal })),
  });

/** One share; for its owner with those who have seen it. */
export const shareQuery = (id: string) =>
  queryOptions({
    queryKey: [...key, "one", id],
    queryFn: ({ signal }) => unwrap(api.GET("/shares/{id}", { params: { path: { id } }, signal })),
    staleTime: 0, // others see it meanwhile
  });

/** What is shared, newest first, fifty at a time. */
export const shareListQuery = (scope: ShareScope) =>
  infiniteQueryOptions({
    queryKey: [...key, "list", scope],
    queryFn: ({ signal, pageParam }) => unwrap(api.GET("/shares", { params: { query: { scope, limit: 50, pageToken: pageParam || undefined } }, signal })),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextPageToken || undefined,
  });

/** People and groups to share with, by a part of their name. */
export const peopleQuery = (search: string) =>
  queryOptions({
    queryKey: ["people", search],
    queryFn: ({ signal }) => unwrap(api.GET("/people", { params: { query: { search: search || undefined } }, signal })),
    placeholderData: (before) => before, // the list stays while a name is typed
  });

const fetchShared = (id: string, query: { before?: string; limit: number }, signal?: AbortSignal) =>
  unwrap(api.GET("/shares/{id}/messages", { params: { path: { id }, query }, ...(signal && { signal }) }));

/** The messages of what is shared: the newest page first, older ones on demand. */
export const sharedMessagesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["shared-messages", id],
    queryFn: ({ pageParam, signal }) => fetchShared(id, { limit: pageSize, ...(pageParam && { before: pageParam }) }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.previousPageToken || undefined,
    staleTime: Number.POSITIVE_INFINITY, // kept true by looking at its end
    gcTime: 0, // what is taken back leaves no copy here
  });

/** The end of what is shared, to see what is new. */
export const sharedEnd = (id: string, signal: AbortSignal) => fetchShared(id, { limit: 10 }, signal);

export const createShare = (conversationId: string, body: NewShare) => unwrap(api.POST("/conversations/{id}/shares", { params: { path: { id: conversationId } }, body }));
export const changeShare = (id: string, body: ShareChange) => unwrap(api.PATCH("/shares/{id}", { params: { path: { id } }, body }));
export const revokeShare = (id: string) => unwrap(api.DELETE("/shares/{id}", { params: { path: { id } } }));
export const copyShare = (id: string, withSystemPrompt: boolean) => unwrap(api.POST("/shares/{id}/copy", { params: { path: { id } }, body: { withSystemPrompt } }));

export const sharedFileUrl = (id: string, attachmentId: string) => `/api/v1/shares/${encodeURIComponent(id)}/attachments/${encodeURIComponent(attachmentId)}/content`;

/** The address that is given to others. */
export const linkOf = (id: string) => `${window.location.origin}/shared/${encodeURIComponent(id)}`;

/** Reads again what is shared. */
export const refreshShares = (client: QueryClient) => client.invalidateQueries({ queryKey: key });

/** Reads again what one shares, and the lists that mark it. */
export const refreshOwnShares = (client: QueryClient) => Promise.all([refreshShares(client), client.invalidateQueries({ queryKey: conversationsKey })]);
