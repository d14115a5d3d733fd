import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Pin } from "lucide-react";
import { type KeyboardEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type ConversationSummary, conversationsQuery } from "@/features/chat/api";
import "@/features/chat/chat.css";
import { useLiveEvents } from "@/features/chat/live-events";
import { Button } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { Bar, Skeleton } from "@/ui/skeleton";
import { useOrganise, useRemove } from "./acts";
import { ConversationMenu } from "./conversation-menu";
import { useGroups } from "./groups";
import { LoadFailed } from "./load-failed";
import { RenameField } from "./rename-field";
import { SideFolders } from "./side-folders";
import { useMore } from "./use-more";

interface Props {
  onNavigate?: () => void;
}

/** Folders, and the person's conversations: pinned ones, then by day, the last spoken in first. */
export function SideHistory({ onNavigate }: Props) {
  return (
    <>
      <SideFolders onNavigate={onNavigate} />
      <Conversations {...(onNavigate && { onNavigate })} />
    </>
  );
}

function Conversations({ onNavigate }: Props) {
  const { t } = useTranslation("history");
  return (
    <section aria-label={t("history")} className="border-t border-rule py-2">
      <HistoryList {...(onNavigate && { onNavigate })} />
    </section>
  );
}

function HistoryList({ onNavigate }: Props) {
  const { t } = useTranslation("history");
  useLiveEvents();
  const { data, error, isPending, refetch, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = useInfiniteQuery(conversationsQuery);
  const items = useMemo(() => data?.pages.flatMap((page) => page.items), [data]);
  const groups = useGroups(items);
  const more = useMore(hasNextPage && !isFetchingNextPage && !isFetchNextPageError, fetchNextPage);

  if (isPending) {
    return (
      <Skeleton label={t("loading")} className="px-3 py-2">
        <div aria-hidden="true" className="grid gap-4">
          {["w-3/4", "w-full", "w-2/3", "w-5/6", "w-3/5"].map((width) => (
            <Bar key={width} className={width} />
          ))}
        </div>
      </Skeleton>
    );
  }
  if (error && !data) return <LoadFailed error={error} onRetry={() => void refetch()} />;
  if (groups.length === 0) return <p className="px-3 py-2 text-14 text-muted">{t("empty")}</p>;
  return (
    <>
      {groups.map((group) => (
        <section key={group.key} aria-label={group.title} className="[contain-intrinsic-size:auto_20rem] [content-visibility:auto]">
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
            <Skeleton label={t("loading")}>
              <Bar className="w-2/3" />
            </Skeleton>
          )}
        </div>
      )}
    </>
  );
}

const Row = memo(function Row({ item, onNavigate }: { item: ConversationSummary; onNavigate?: () => void }) {
  const { t } = useTranslation("history");
  const [renaming, setRenaming] = useState(false);
  const remove = useRemove();
  const { change } = useOrganise();
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
      <li>
        <RenameField
          title={item.title}
          onKeep={(title) => void change(item, { title })}
          onDone={(byKey) => {
            goBack.current = byKey;
            setRenaming(false);
          }}
        />
      </li>
    );
  }
  return (
    <li className="group relative">
      <Link
        ref={link}
        to="/c/$conversationId"
        params={{ conversationId: item.id }}
        search={{}}
        activeOptions={{ includeSearch: false }}
        onClick={onNavigate}
        title={item.title}
        onKeyDown={(event: KeyboardEvent) => {
          if (event.key === "F2") setRenaming(true);
          else if (event.key === "Delete") {
            focusBeside(event.currentTarget);
            remove([item]);
          }
        }}
        className="flex min-h-row-side items-center gap-2 rounded-6 px-[13px] text-14 text-default no-underline group-focus-within:pr-9 group-hover:bg-surface-hover group-hover:pr-9 aria-[current=page]:bg-surface-selected aria-[current=page]:font-bold pointer-coarse:min-h-11 pointer-coarse:pr-12"
      >
        {item.pinned && <Icon of={Pin} size={16} className="text-muted" />}
        <span className="min-w-0 flex-1 truncate">{item.title}</span>
        {item.running && <span role="img" aria-label={t("writing")} title={t("writing")} className="chat-running" />}
      </Link>
      <span className="chat-acts absolute inset-y-0 right-0.5 flex items-center">
        <ConversationMenu item={item} onRename={() => setRenaming(true)} />
      </span>
    </li>
  );
});

/** The row after the one that goes has the focus next, or the one before. */
function focusBeside(element: Element) {
  const row = element.closest("li");
  (row?.nextElementSibling ?? row?.previousElementSibling)?.querySelector("a")?.focus();
}
