import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Ellipsis, Pencil, RotateCw, Trash2 } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toApiError } from "@/lib/api/error";
import { useErrorTextOf } from "@/lib/error-text";
import { daysAgo, useFormats } from "@/lib/format";
import { Button, IconButton } from "@/ui/button";
import { Menu, MenuItem } from "@/ui/menu";
import { Bar, Skeleton } from "@/ui/skeleton";
import { type ConversationSummary, conversationsQuery } from "./api";
import { isComposing } from "./composer";
import { isLeaving, useDelete, useRename } from "./conversation-acts";
import { useLiveEvents } from "./live-events";
import "./chat.css";

interface Props {
  onNavigate?: () => void;
}

/** The person's conversations, by day, the last spoken in first. */
export function History({ onNavigate }: Props) {
  const { t } = useTranslation("chat");
  useLiveEvents();
  const { data, error, isPending, refetch, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = useInfiniteQuery(conversationsQuery);
  const groups = useGroups(data?.pages.flatMap((page) => page.items));
  const more = useMore(hasNextPage && !isFetchingNextPage && !isFetchNextPageError, fetchNextPage);

  if (isPending) {
    return (
      <Skeleton label={t("historyLoading")} className="px-3 py-2">
        <div aria-hidden="true" className="grid gap-4">
          {["w-3/4", "w-full", "w-2/3", "w-5/6", "w-3/5"].map((width) => (
            <Bar key={width} className={width} />
          ))}
        </div>
      </Skeleton>
    );
  }
  if (error && !data) return <LoadFailed error={error} onRetry={() => void refetch()} />;
  if (groups.length === 0) return <p className="px-3 py-2 text-14 text-muted">{t("historyEmpty")}</p>;
  return (
    <>
      {groups.map((group) => (
        <section key={group.key} aria-label={group.title}>
          <h2 className="px-[13px] pt-3 pb-1 text-14 font-normal text-muted [font-feature-settings:normal]">{group.title}</h2>
          <ul>
            {group.items.map((item) => (
              <Row key={item.id} item={item} {...(onNavigate && { onNavigate })} />
            ))}
          </ul>
        </section>
      ))}
      {hasNextPage && (
        <div ref={more} className="px-3 py-3">
          {isFetchNextPageError ? (
            <Button size="dense" onPress={() => void fetchNextPage()}>
              {t("loadMore")}
            </Button>
          ) : (
            <Skeleton label={t("historyLoading")}>
              <Bar className="w-2/3" />
            </Skeleton>
          )}
        </div>
      )}
    </>
  );
}

/** Small, as its place: what failed, and the way to try again. */
function LoadFailed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation("chat");
  const errorText = useErrorTextOf();
  return (
    <div role="alert" className="grid justify-items-start gap-2 px-[13px] py-2 text-14 text-muted">
      <p>{errorText(toApiError(error)).what}</p>
      <Button size="dense" icon={RotateCw} onPress={onRetry}>
        {t("tryAgain")}
      </Button>
    </div>
  );
}

function Row({ item, onNavigate }: { item: ConversationSummary; onNavigate?: () => void }) {
  const { t } = useTranslation("chat");
  const [renaming, setRenaming] = useState(false);
  const remove = useDelete();
  // Whoever renamed by keys goes on from the row.
  const link = useRef<HTMLAnchorElement>(null);
  const goBack = useRef(false);
  useEffect(() => {
    if (renaming || !goBack.current) return;
    goBack.current = false;
    link.current?.focus();
  }, [renaming]);
  if (renaming) {
    return (
      <RenameRow
        item={item}
        onDone={(byKey) => {
          goBack.current = byKey;
          setRenaming(false);
        }}
      />
    );
  }
  return (
    <li className="group relative">
      <Link
        ref={link}
        to="/c/$conversationId"
        params={{ conversationId: item.id }}
        onClick={onNavigate}
        title={item.title}
        onKeyDown={(event: KeyboardEvent) => {
          if (event.key === "F2") setRenaming(true);
          else if (event.key === "Delete") {
            focusBeside(event.currentTarget);
            remove(item);
          }
        }}
        className="flex min-h-[34px] items-center gap-2 rounded-6 px-[13px] text-14 text-default no-underline group-focus-within:pr-9 group-hover:bg-surface-hover group-hover:pr-9 aria-[current=page]:bg-surface-selected aria-[current=page]:font-bold pointer-coarse:min-h-11 pointer-coarse:pr-12"
      >
        <span className="min-w-0 flex-1 truncate">{item.title}</span>
        {item.running && <span role="img" aria-label={t("writing")} title={t("writing")} className="chat-running" />}
      </Link>
      <span className="chat-acts absolute inset-y-0 right-0.5 flex items-center">
        <Menu label={t("actsNamed", { title: item.title })} placement="bottom end" trigger={<IconButton icon={Ellipsis} iconSize={16} size="dense" className="min-h-8! w-8! pointer-coarse:min-h-11! pointer-coarse:w-11!" label={t("actsNamed", { title: item.title })} />}>
          <MenuItem icon={Pencil} onAction={() => setRenaming(true)}>
            {t("rename")}
          </MenuItem>
          <MenuItem icon={Trash2} tone="danger" onAction={() => remove(item)}>
            {t("delete")}
          </MenuItem>
        </Menu>
      </span>
    </li>
  );
}

/** The row after the one that goes has the focus next, or the one before. */
function focusBeside(element: Element) {
  const row = element.closest("li");
  (row?.nextElementSibling ?? row?.previousElementSibling)?.querySelector("a")?.focus();
}

/** The title as a field, in its place. Enter keeps it, Escape leaves it as it was. */
function RenameRow({ item, onDone }: { item: ConversationSummary; onDone: (byKey: boolean) => void }) {
  const { t } = useTranslation("chat");
  const rename = useRename();
  const [title, setTitle] = useState(item.title);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // After the menu that led here has given the focus back.
    const timer = setTimeout(() => {
      field.current?.focus();
      field.current?.select();
    }, 60);
    return () => clearTimeout(timer);
  }, []);
  const keep = (byKey: boolean) => {
    const next = title.trim();
    if (next !== "" && next !== item.title) rename.mutate({ id: item.id, title: next });
    onDone(byKey);
  };
  return (
    <li>
      <input
        ref={field}
        value={title}
        maxLength={200}
        aria-label={t("title")}
        onChange={(event) => setTitle(event.target.value)}
        onBlur={() => keep(false)}
        onKeyDown={(event) => {
          if (isComposing(event)) return;
          if (event.key === "Enter") keep(true);
          else if (event.key === "Escape") {
            event.stopPropagation();
            setTitle(item.title);
            onDone(true);
          }
        }}
        className="min-h-[34px] w-full rounded-6 border border-control bg-surface px-3 text-14 pointer-coarse:min-h-11"
      />
    </li>
  );
}

interface Group {
  key: string;
  title: string;
  items: ConversationSummary[];
}

/** Today, yesterday, the last seven days, then month by month. */
function useGroups(items: readonly ConversationSummary[] | undefined): Group[] {
  const { t } = useTranslation("chat");
  const format = useFormats();
  return useMemo(() => {
    const now = new Date();
    const groups: Group[] = [];
    for (const item of items ?? []) {
      if (isLeaving(item.id)) continue;
      const date = new Date(item.updatedAt);
      const ago = daysAgo(date, now);
      const [key, title] =
        ago <= 0 ? ["today", t("today")] : ago === 1 ? ["yesterday", t("yesterday")] : ago <= 7 ? ["week", t("lastDays")] : [`${date.getFullYear()}-${date.getMonth()}`, format.month(date)];
      const last = groups[groups.length - 1];
      if (last?.key === key) last.items.push(item);
      else groups.push({ key, title, items: [item] });
    }
    return groups;
  }, [items, t, format]);
}

/** Loads the next page when its place comes into sight. */
function useMore(ready: boolean, load: () => Promise<unknown>) {
  const [place, setPlace] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (!place || !ready) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && void load(), { rootMargin: "400px" });
    observer.observe(place);
    return () => observer.disconnect();
  }, [place, ready, load]);
  return setPlace;
}
