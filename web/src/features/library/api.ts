import { infiniteQueryOptions, queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import { ApiError } from "@/lib/api/error";
import type { Locale, Schemas } from "@/lib/api/types";

export type PromptSummary = Schemas["PromptSummary"];
export type Prompt = Schemas["Prompt"];
export type PromptVariable = Schemas["PromptVariable"];
export type PromptVersion = Schemas["PromptVersion"];
export type PromptKind = PromptSummary["kind"];
export type PromptScope = "mine" | "shared" | "official";
export type Visibility = PromptSummary["visibility"];
export type NewPrompt = Schemas["NewPrompt"];
export type PromptChange = Schemas["PromptChange"];

/** What narrows the list; it stands in the address. */
export interface PromptFilter {
  q?: string;
  scope?: PromptScope;
  kind?: PromptKind;
  category?: string;
  archived?: boolean;
}

const key = ["prompts"] as const;

/** The prompts that match, fifty at a time: those for the reader's language, one's own in any. */
export const promptsQuery = (filter: PromptFilter, language: Locale) =>
  infiniteQueryOptions({
    queryKey: [...key, "list", filter, language],
    queryFn: ({ signal, pageParam }) => {
      const { q, ...narrowed } = filter;
      const locale = filter.scope === "mine" ? undefined : language;
      return unwrap(api.GET("/prompts", { params: { query: { ...narrowed, locale, search: q, limit: 50, pageToken: pageParam || undefined } }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: (before) => before, // the old rows stay while a filter is typed
  });

/** What a menu offers: the prompts of a kind, those used last first. */
export const offeredQuery = (kind: PromptKind, locale: Locale) =>
  queryOptions({
    queryKey: [...key, "offered", kind, locale],
    queryFn: ({ signal }) => unwrap(api.GET("/prompts", { params: { query: { kind, locale, order: "recent", limit: 200 } }, signal })),
    staleTime: 60_000,
  });

/** The first few prompts that match, of any language, for the palette. */
export const quickPromptsQuery = (search: string) =>
  queryOptions({
    queryKey: [...key, "quick", search],
    queryFn: ({ signal }) => unwrap(api.GET("/prompts", { params: { query: { search, limit: 5 } }, signal })),
    enabled: search !== "",
    staleTime: 30_000,
  });

export const promptQuery = (id: string) =>
  queryOptions({
    queryKey: [...key, "one", id],
    queryFn: ({ signal }) => unwrap(api.GET("/prompts/{id}", { params: { path: { id } }, signal })),
  });

export const versionsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: [...key, "versions", id],
    queryFn: ({ signal, pageParam }) => unwrap(api.GET("/prompts/{id}/versions", { params: { path: { id }, query: { limit: 20, pageToken: pageParam || undefined } }, signal })),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextPageToken || undefined,
  });

export const versionQuery = (id: string, n: number) =>
  queryOptions({
    queryKey: [...key, "version", id, n],
    queryFn: ({ signal }) => unwrap(api.GET("/prompts/{id}/versions/{n}", { params: { path: { id, n } }, signal })),
    staleTime: Number.POSITIVE_INFINITY, // a version never changes
  });

export const categoriesQuery = queryOptions({
  queryKey: [...key, "categories"],
  queryFn: ({ signal }) => unwrap(api.GET("/prompt-categories", { signal })),
});

/** The groups one may share with. */
export const shareableGroupsQuery = (all: boolean) =>
  queryOptions({
    queryKey: ["groups", all ? "all" : "mine"],
    queryFn: ({ signal }) => (all ? unwrap(api.GET("/admin/groups", { signal })) : unwrap(api.GET("/me/groups", { signal }))),
  });

/** What a body asks for and what it says, filled in with defaults; nothing is stored. */
export const previewQuery = (body: string, locale: Prompt["locale"]) =>
  queryOptions({
    queryKey: [...key, "preview", body, locale],
    queryFn: ({ signal }) => unwrap(api.POST("/prompts/preview", { body: { body, locale }, signal })),
    enabled: body.trim() !== "",
    placeholderData: (before) => before,
    retry: false,
    gcTime: 10_000, // every pause in typing makes one
  });

export const createPrompt = (body: NewPrompt) => unwrap(api.POST("/prompts", { body }));
export const changePrompt = (id: string, body: PromptChange) => unwrap(api.PATCH("/prompts/{id}", { params: { path: { id } }, body }));
export const deletePrompt = (id: string) => unwrap(api.DELETE("/prompts/{id}", { params: { path: { id } } }));
export const copyPrompt = (id: string) => unwrap(api.POST("/prompts/{id}/copy", { params: { path: { id } } }));
export const restoreVersion = (id: string, n: number) => unwrap(api.POST("/prompts/{id}/versions/{n}/restore", { params: { path: { id, n } } }));
/** Fills a prompt in; the server does, with its one grammar. */
export const renderPrompt = (id: string, values: Record<string, string>, preview = false) => unwrap(api.POST("/prompts/{id}/render", { params: { path: { id } }, body: { values, preview } }));

/** Instructions that a new conversation is to begin with. */
export type First = { state: "ready"; name: string; text: string } | { state: "asks"; name: string } | { state: "gone" };

/** What prompt id says now, or why nothing can begin with it. */
export const firstQuery = (id: string) =>
  queryOptions({
    queryKey: [...key, "first", id],
    queryFn: async ({ signal }): Promise<First> => {
      try {
        const { name, kind, archived } = await unwrap(api.GET("/prompts/{id}", { params: { path: { id } }, signal }));
        if (archived || kind !== "system") return { state: "gone" };
        const { text, missing } = await renderPrompt(id, {}, true);
        return missing.length > 0 ? { state: "asks", name } : { state: "ready", name, text };
      } catch (error) {
        if (error instanceof ApiError && error.code === "not_found") return { state: "gone" };
        throw error;
      }
    },
    enabled: id !== "",
    staleTime: 60_000,
  });

/** Reads all of the library again. */
export const refreshPrompts = (client: QueryClient) => client.invalidateQueries({ queryKey: key });
