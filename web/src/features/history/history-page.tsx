import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Archive, ArchiveRestore, Download, FolderInput, MessagesSquare, Tag, Trash2, X } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConversationSummary } from "@/features/chat/api";
import { useLiveEvents } from "@/features/chat/live-events";
import "@/features/chat/chat.css";
import { useFormats } from "@/lib/format";
import { matches } from "@/lib/match";
import { Button, ButtonLink, IconButton, TextLink } from "@/ui/button";
import { FilterChip } from "@/ui/chip";
import { Empty, NoMatch } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { Page } from "@/ui/page";
import { Bar, Skeleton } from "@/ui/skeleton";
import { SearchField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { useAct } from "@/ui/use-act";
import { refreshHistory, useBulk, useRemove } from "./acts";
import { changeMany, foldersQuery, listQuery, tagsQuery } from "./api";
import { ConversationTable } from "./conversation-table";
import { MoveDialog } from "./move-dialog";
import { TagsDialog } from "./tags-dialog";

const ExportDialog = lazy(async () => ({ default: (await import("./export-dialog")).ExportDialog }));

/** What the address of the page narrows the list by. */
export interface HistoryFilter {
  q?: string | undefined;
  folder?: string | undefined;
  tag?: string | undefined;
  archived?: true | undefined;
}

/** All conversations, to find old ones and to put many in order. */
export function HistoryPage() {
  const { t } = useTranslation("history");
  useLiveEvents();
  const format = useFormats();
  const filter = useSearch({ from: "/workplace/history" });
  const navigate = useNavigate({ from: "/history" });
  const narrow = useCallback((patch: HistoryFilter, replace = false) => void navigate({ search: (old) => ({ ...old, ...patch }), replace }), [navigate]);

  const folders = useQuery(foldersQuery).data?.items;
  const tags = useQuery(tagsQuery).data?.items ?? [];
  const names = useMemo(() => new Map(folders?.map((one) => [one.id, one.name])), [folders]);
  const list = useInfiniteQuery(listQuery(filter));
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list;
  const ready = hasNextPage && !isFetchingNextPage && !isFetchNextPageError;
  const all = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);

  const [words, setWords] = useState(filter.q ?? "");
  const query = words.trim();
  useEffect(() => {
    const timer = setTimeout(() => {
      if (query !== (filter.q ?? "")) narrow({ q: query || undefined }, true);
    }, 300);
    return () => clearTimeout(timer);
  }, [query, filter.q, narrow]);
  const rows = useMemo(() => (query === "" ? all : all.filter((item) => matches(item.title, query))), [all, query]);

  // A search among titles and a choice of everything need them all; lists are short in bytes.
  const [wantsAll, setWantsAll] = useState(false);
  useEffect(() => {
    if (ready && (query !== "" || wantsAll)) void fetchNextPage();
  }, [ready, query, wantsAll, fetchNextPage, all.length]);
  const onEnd = useCallback(() => {
    if (ready) void fetchNextPage();
  }, [ready, fetchNextPage]);

  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const chosen = useMemo(() => (wantsAll ? rows : rows.filter((row) => picked.has(row.id))), [rows, picked, wantsAll]);
  const selected = useMemo(() => new Set(chosen.map((row) => row.id)), [chosen]);
  const select = (next: ReadonlySet<string>) => {
    setWantsAll(false);
    setPicked(next);
  };
  const narrowed = Boolean(query || filter.folder || filter.tag);
  const count = hasNextPage && query === "" ? t("countLoaded", { formatted: format.number(rows.length) }) : t("countOf", { count: rows.length, formatted: format.number(rows.length) });

  return (
    <Page
      title={filter.archived ? t("archiveTitle") : t("allTitle")}
      aside={list.data && count}
      actions={
        <ButtonLink to="/history" search={filter.archived ? {} : { archived: true }} size="dense" icon={filter.archived ? MessagesSquare : Archive}>
          {filter.archived ? t("all") : t("archiveOpen")}
        </ButtonLink>
      }
    >
      <div className="flex flex-none flex-wrap items-center gap-2 px-6 pb-3 max-md:px-4">
        <SearchField label={t("findTitle")} value={words} onChange={setWords} className="w-64 max-md:w-full" />
        {folders && folders.length > 0 && (
          <FilterChip label={t("folder")} value={filter.folder ?? ""} onChange={(folder) => narrow({ folder: folder || undefined })} options={folders.map((one) => ({ value: one.id, label: one.name }))} />
        )}
        {tags.length > 0 && (
          <FilterChip
            label={t("tag")}
            value={filter.tag ?? ""}
            onChange={(tag) => narrow({ tag: tag || undefined })}
            options={tags.map((one) => ({ value: one.name, label: t("tagWithCount", { tag: one.name, formatted: format.number(one.conversations) }) }))}
          />
        )}
        {query !== "" && (
          <TextLink to="/search" search={{ q: query }} className="text-14">
            {t("findBodies", { q: query })}
          </TextLink>
        )}
      </div>
      {chosen.length > 0 && (
        <BulkBar
          items={chosen}
          archived={Boolean(filter.archived)}
          onClear={() => select(new Set())}
          more={hasNextPage && !wantsAll && chosen.length === rows.length ? () => setWantsAll(true) : undefined}
          loading={wantsAll && hasNextPage}
        />
      )}
      {list.isPending ? (
        <Skeleton label={t("loading")} className="px-6 py-3 max-md:px-4">
          <div aria-hidden="true" className="grid gap-7">
            {["w-3/5", "w-2/5", "w-1/2", "w-2/3", "w-2/5", "w-3/5"].map((width, i) => (
              <Bar key={i} className={width} />
            ))}
          </div>
        </Skeleton>
      ) : list.error && !list.data ? (
        <ErrorNotice error={list.error} onRetry={() => void list.refetch()} className="mx-6 my-4 max-md:mx-4" />
      ) : rows.length === 0 && !(query !== "" && hasNextPage) ? (
        narrowed ? (
          <NoMatch title={t("noneFound")} onClear={() => (setWords(""), narrow({ q: undefined, folder: undefined, tag: undefined }))}>
            {query !== "" && t("noneFoundHint")}
          </NoMatch>
        ) : filter.archived ? (
          <Empty icon={Archive} title={t("archiveEmpty")}>
            {t("archiveEmptyHint")}
          </Empty>
        ) : (
          <Empty
            icon={MessagesSquare}
            title={t("empty")}
            actions={
              <ButtonLink to="/" tone="primary">
                {t("startNew")}
              </ButtonLink>
            }
          >
            {t("emptyHint")}
          </Empty>
        )
      ) : (
        <ConversationTable rows={rows} folders={names.size > 0 ? names : null} selected={selected} onSelect={select} onTag={(tag) => narrow({ tag })} onEnd={onEnd} />
      )}
      {isFetchNextPageError && (
        <div className="flex-none border-t border-rule px-6 py-2 max-md:px-4">
          <Button size="dense" onPress={() => void fetchNextPage()}>
            {t("loadMore")}
          </Button>
        </div>
      )}
    </Page>
  );
}

interface BulkProps {
  items: readonly ConversationSummary[];
  archived: boolean;
  onClear: () => void;
  /** Chooses also what is not loaded yet. */
  more: (() => void) | undefined;
  loading: boolean;
}

/** What can be done with the chosen ones. */
function BulkBar({ items, archived, onClear, more, loading }: BulkProps) {
  const { t } = useTranslation("history");
  const { t: common } = useTranslation("common");
  const format = useFormats();
  const client = useQueryClient();
  const bulk = useBulk();
  const act = useAct();
  const remove = useRemove();
  const [open, setOpen] = useState<"move" | "tags" | "export" | null>(null);
  const close = () => setOpen(null);
  const ids = items.map((item) => item.id);
  const said = (n: number) => ({ count: n, formatted: format.number(n) });
  const what = t("chosen", said(items.length));

  const archive = () => {
    onClear();
    void bulk({ ids, action: archived ? "unarchive" : "archive" }, (n) => ({ text: t(archived ? "unarchivedMany" : "archivedMany", said(n)), undo: { ids, action: archived ? "archive" : "unarchive" } }));
  };
  const move = (folderId: string, name: string) => {
    onClear();
    const [from, ...others] = new Set(items.map((item) => item.folderId ?? ""));
    void bulk({ ids, action: "move", folderId }, (n) => ({
      text: folderId ? t("movedMany", { ...said(n), name }) : t("movedOutMany", said(n)),
      // Back to where they were, if that was one place.
      ...(others.length === 0 && from !== undefined && { undo: { ids, action: "move" as const, folderId: from } }),
    }));
  };
  const tag = async (tags: string[]) => {
    onClear();
    const done = await act(async () => {
      for (const name of tags) await changeMany({ ids, action: "addTag", tag: name });
    });
    await refreshHistory(client);
    if (!done || tags.length === 0) return;
    const before = new Map(tags.map((name) => [name, items.filter((item) => !item.tags.includes(name)).map((item) => item.id)]));
    toast({
      text: t("taggedMany", said(items.length)),
      undo: () =>
        void act(async () => {
          for (const [name, those] of before) await changeMany({ ids: those, action: "removeTag", tag: name });
          await refreshHistory(client);
        }),
    });
  };

  return (
    // Below the rows, which stay where the next click expects them; before them for the keyboard.
    <div role="toolbar" aria-label={t("chosenActs")} className="history-chosen flex flex-none flex-wrap items-center gap-1 order-last border-t border-rule bg-surface-raised px-6 py-1.5 text-14 max-md:px-4">
      <span role="status" className="mr-2 font-bold tabular-nums">
        {loading ? t("choosingAll", { formatted: format.number(items.length) }) : what}
      </span>
      {more && (
        <Button size="dense" tone="quiet" onPress={more}>
          {t("chooseAll")}
        </Button>
      )}
      <Button size="dense" tone="quiet" icon={FolderInput} onPress={() => setOpen("move")}>
        {t("move")}
      </Button>
      <Button size="dense" tone="quiet" icon={Tag} onPress={() => setOpen("tags")}>
        {t("tagsAdd")}
      </Button>
      <Button size="dense" tone="quiet" icon={archived ? ArchiveRestore : Archive} onPress={archive}>
        {archived ? t("unarchive") : t("archive")}
      </Button>
      <Button size="dense" tone="quiet" icon={Download} onPress={() => setOpen("export")}>
        {t("exportAct")}
      </Button>
      <Button
        size="dense"
        tone="danger-quiet"
        icon={Trash2}
        onPress={() => {
          onClear();
          remove(items);
        }}
      >
        {common("delete")}
      </Button>
      <IconButton size="dense" icon={X} label={t("clearChoice")} onPress={onClear} className="ml-auto" />
      {open === "move" && <MoveDialog what={what} folderId="" onClose={close} onMove={move} />}
      {open === "tags" && <TagsDialog what={what} tags={[]} act={t("tagsAdd")} onClose={close} onSave={tag} />}
      <Suspense>{open === "export" && <ExportDialog items={items} onClose={close} />}</Suspense>
    </div>
  );
}
