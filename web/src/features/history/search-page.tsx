import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Folder as FolderIcon, MessageSquare, Search, SearchX } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { Icon } from "@/ui/icon";
import { Page, Scroll } from "@/ui/page";
import { Bar, Skeleton } from "@/ui/skeleton";
import { SearchField } from "@/ui/text-field";
import { foldersQuery, type Hit, searchQuery } from "./api";
import { Snippet } from "./snippet";
import { useMore } from "./use-more";

/** Finds conversations by what was said in them. */
export function SearchPage() {
  const { t } = useTranslation("history");
  const format = useFormats();
  const { q = "" } = useSearch({ from: "/workplace/search" });
  const navigate = useNavigate({ from: "/search" });
  const [words, setWords] = useState(q);
  const query = words.trim();
  // An address that changes from elsewhere, by Ctrl+K or by going back, brings its own words.
  const [known, setKnown] = useState(q);
  if (known !== q) {
    setKnown(q);
    if (query !== q) setWords(q);
  }
  useEffect(() => {
    if (query === q) return;
    const timer = setTimeout(() => void navigate({ search: { q: query || undefined }, replace: true }), 350);
    return () => clearTimeout(timer);
  }, [query, q, navigate]);

  const found = useInfiniteQuery(searchQuery(q));
  const folders = useQuery(foldersQuery).data?.items;
  const names = useMemo(() => new Map(folders?.map((one) => [one.id, one.name])), [folders]);
  const hits = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
  const more = useMore(found.hasNextPage && !found.isFetchingNextPage && !found.isFetchNextPageError, found.fetchNextPage);
  const { hasNextPage } = found;

  return (
    <Page title={t("searchTitle")}>
      <div className="mx-auto w-full max-w-[49.5rem] flex-none px-6 pb-3 max-md:px-4">
        <SearchField label={t("searchLabel")} placeholder={t("searchPlaceholder")} value={words} onChange={setWords} autoFocus />
        <p role="status" className="mt-2 min-h-6 text-14 text-muted tabular-nums">
          {q !== "" && found.data && hits.length > 0 && (hasNextPage ? t("countLoaded", { formatted: format.number(hits.length) }) : t("countOf", { count: hits.length, formatted: format.number(hits.length) }))}
        </p>
      </div>
      <Scroll>
        <div className="mx-auto w-full max-w-[49.5rem] px-6 pb-12 max-md:px-4">
          {q === "" ? (
            <Operators />
          ) : found.isPending ? (
            <Skeleton label={t("searching")}>
              <div aria-hidden="true" className="grid gap-8">
                {["w-2/5", "w-1/2", "w-1/3", "w-2/5"].map((width, i) => (
                  <div key={i} className="grid gap-2">
                    <Bar className={width} />
                    <Bar className="w-full" />
                  </div>
                ))}
              </div>
            </Skeleton>
          ) : found.error && !found.data ? (
            <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />
          ) : hits.length === 0 ? (
            <>
              <Empty icon={SearchX} title={t("searchNone", { q })}>
                {t("searchNoneHint")}
              </Empty>
              <Operators />
            </>
          ) : (
            <ol aria-label={t("searchResults")} className="border-t border-rule">
              {hits.map((hit, i) => (
                <Found key={`${hit.conversationId} ${hit.messageId ?? ""} ${i}`} hit={hit} folder={names.get(hit.folderId ?? "")} />
              ))}
            </ol>
          )}
          {hasNextPage && (
            <div ref={more} className="py-4">
              {found.isFetchNextPageError ? (
                <Button size="dense" onPress={() => void found.fetchNextPage()}>
                  {t("loadMore")}
                </Button>
              ) : (
                <Skeleton label={t("searching")}>
                  <Bar className="w-2/3" />
                </Skeleton>
              )}
            </div>
          )}
        </div>
      </Scroll>
    </Page>
  );
}

function Found({ hit, folder }: { hit: Hit; folder: string | undefined }) {
  const { t } = useTranslation("history");
  const format = useFormats();
  return (
    <li className="border-b border-rule">
      <Link
        to="/c/$conversationId"
        params={{ conversationId: hit.conversationId }}
        search={hit.messageId ? { message: hit.messageId } : {}}
        className="grid grid-cols-[minmax(0,1fr)] gap-1 rounded-4 px-2 py-item text-default no-underline hover:bg-surface-hover"
      >
        <span className="flex items-center gap-2">
          <Icon of={MessageSquare} size={16} className="text-muted" />
          <span className="min-w-0 flex-1 truncate font-bold">{hit.messageId ? hit.title : <Snippet parts={hit.snippet} />}</span>
          <span className="flex-none text-14 text-muted tabular-nums">{format.near(hit.at)}</span>
        </span>
        {hit.messageId && (
          <span className="line-clamp-3 pl-6 text-14 leading-[1.6] break-words">
            {hit.role && <span className="mr-2 text-muted">{t(hit.role === "user" ? "saidByMe" : "saidByModel")}</span>}
            <Snippet parts={hit.snippet} />
          </span>
        )}
        {(folder || hit.tags.length > 0) && (
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1 pl-6 text-14 text-muted">
            {folder && (
              <span className="inline-flex items-center gap-1">
                <Icon of={FolderIcon} size={16} />
                {folder}
              </span>
            )}
            {hit.tags.map((tag) => (
              <span key={tag} className="rounded-full border border-rule px-2">
                {tag}
              </span>
            ))}
          </span>
        )}
      </Link>
    </li>
  );
}

const operators = ["quote", "folder", "tag", "model", "before", "after"] as const;

/** How to search more closely. */
function Operators() {
  const { t } = useTranslation("history");
  return (
    <section aria-labelledby="operators">
      <h2 id="operators" className="flex items-center gap-2 pb-2 text-16">
        <Icon of={Search} className="text-muted" />
        {t("operators")}
      </h2>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 border-t border-rule text-14 max-md:grid-cols-1">
        {operators.map((name) => (
          <div key={name} className="col-span-full grid grid-cols-subgrid border-b border-rule py-2 max-md:grid-cols-1">
            <dt className="font-mono">{t(`operator.${name}`)}</dt>
            <dd className="text-muted">{t(`operatorHint.${name}`)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
