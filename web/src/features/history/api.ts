import { type InfiniteData, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type ConversationSummary, conversationsKey } from "@/features/chat/api";
import { api, unwrap } from "@/lib/api/client";
import type { List, Schemas } from "@/lib/api/types";
import type { TablePlace } from "@/ui/markdown/beside";
import { download } from "./download";

export type Folder = Schemas["Folder"];
export type Tag = Schemas["Tag"];
export type BulkOrder = Schemas["BulkOrder"];

/** Which conversations a list shows. */
export interface ListFilter {
  folder?: string | undefined;
  tag?: string | undefined;
  archived?: boolean | undefined;
}

export type ListData = InfiniteData<List<ConversationSummary>, string>;

/** The conversations that a filter leaves, pinned ones first, by keyset pages. */
export const listQuery = ({ folder = "", tag = "", archived = false }: ListFilter) =>
  infiniteQueryOptions({
    queryKey: [...conversationsKey, "filtered", { folder, tag, archived }],
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        api.GET("/conversations", {
          params: { query: { limit: 100, ...(folder && { folderId: folder }), ...(tag && { tag }), ...(archived && { state: "archived" as const }), ...(pageParam && { pageToken: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextPageToken || undefined,
  });

export const foldersKey = ["folders"] as const;

const byName = new Intl.Collator("ja", { numeric: true });

/** The person's folders, by name: the second before the tenth. */
export const foldersQuery = queryOptions({
  queryKey: [...foldersKey, "list"],
  queryFn: ({ signal }) => unwrap(api.GET("/folders", { signal })),
  select: ({ items, ...rest }) => ({ ...rest, items: [...items].sort((a, b) => byName.compare(a.name, b.name)) }),
  staleTime: 60_000,
});

/** One folder with its files. */
export const folderQuery = (id: string) =>
  queryOptions({
    queryKey: [...foldersKey, "one", id],
    queryFn: ({ signal }) => unwrap(api.GET("/folders/{id}", { params: { path: { id } }, signal })),
  });

/** The person's tags, by name. */
export const tagsQuery = queryOptions({
  queryKey: ["tags"],
  queryFn: ({ signal }) => unwrap(api.GET("/tags", { signal })),
  staleTime: 60_000,
});

/** Everything that names conversations, folders or tags: read anew together. */
export const historyKeys = [conversationsKey, foldersKey, tagsQuery.queryKey] as const;

export const changeConversation = (id: string, body: Schemas["ConversationChange"]) => unwrap(api.PATCH("/conversations/{id}", { params: { path: { id } }, body }));

export const changeMany = (body: BulkOrder) => unwrap(api.POST("/conversations/bulk", { body }));

export const createFolder = (body: Schemas["FolderChange"]) => unwrap(api.POST("/folders", { body }));

export const updateFolder = (id: string, body: Schemas["FolderChange"]) => unwrap(api.PATCH("/folders/{id}", { params: { path: { id } }, body }));

export const deleteFolder = (id: string, conversations: "keep" | "delete") => unwrap(api.DELETE("/folders/{id}", { params: { path: { id }, query: { conversations } } }));

export const exportFormats = ["docx", "pdf", "md", "html", "json"] as const;
export type ExportFormat = (typeof exportFormats)[number];

interface ExportChoice {
  format: ExportFormat;
  reasoning: boolean;
  era: boolean;
}

/** Hands conversations to the person as a file: one as it is, many packed together. */
export function exportConversations(ids: readonly string[], { format, reasoning, era }: ExportChoice): Promise<void> {
  const [id] = ids;
  if (ids.length === 1 && id) {
    const query = new URLSearchParams({ format, ...(reasoning && { reasoning: "true" }), ...(era && { era: "true" }) });
    return download(`/conversations/${encodeURIComponent(id)}/export?${query.toString()}`, {}, `kakoi.${format}`);
  }
  return download("/exports", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ids, format, reasoning, era }) }, "kakoi.zip");
}

/** Hands over one table of an answer for a spreadsheet. */
export const downloadTable = ({ answerId, index }: TablePlace) => download(`/messages/${encodeURIComponent(answerId)}/tables?format=xlsx&index=${index}`, {}, "kakoi.xlsx");

/** A stretch of a text found; match is what was searched for. */
export type SnippetPart = Schemas["SnippetPiece"];

/** A conversation or a message that a search has found. */
export type Hit = Schemas["SearchHit"];

const fetchHits = (query: { q: string; limit: number; pageToken?: string }, signal: AbortSignal) =>
  unwrap(api.GET("/search", { params: { query }, signal }));

/** What a search finds, the newest first, by pages. */
export const searchQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ["search", q],
    queryFn: ({ pageParam, signal }) => fetchHits({ q, limit: 30, ...(pageParam && { pageToken: pageParam }) }, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextPageToken || undefined,
    enabled: q !== "",
  });

/** The first few of what a search finds, for the palette. */
export const quickSearchQuery = (q: string) =>
  queryOptions({
    queryKey: ["search", "quick", q],
    queryFn: ({ signal }) => fetchHits({ q, limit: 8 }, signal),
    enabled: q !== "",
    staleTime: 30_000,
  });

export type ImportReport = Schemas["ImportReport"];
export type ImportCounts = Schemas["ImportCounts"];

/** Reads a file of conversations from elsewhere; dryRun only says what would be taken. */
export async function importConversations(file: File, dryRun: boolean): Promise<ImportReport> {
  return unwrap(
    api.POST("/imports", {
      params: { query: dryRun ? { dryRun } : {} },
      headers: { "Content-Type": "application/octet-stream" },
      body: file as unknown as string,
      bodySerializer: (body: unknown) => body as Blob,
    }),
  );
}

export const exportEverything = () => download("/me/export", {}, "kakoi.zip");

export const deleteEverything = () => unwrap(api.DELETE("/me/conversations"));
