import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { Copy, EyeOff, Users } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { conversationQuery, conversationsKey } from "@/features/chat/api";
import { ChatBar } from "@/features/chat/chat-bar";
import { useFollowEnd } from "@/features/chat/follow-end";
import { flatten, graft } from "@/features/chat/message-cache";
import { type Reading, ReadingContext } from "@/features/chat/reading";
import { TalkFrame, column } from "@/features/chat/talk-frame";
import { MessageBars, Transcript } from "@/features/chat/transcript";
import { toApiError } from "@/lib/api/error";
import { useFormats } from "@/lib/format";
import { Button, ButtonLink } from "@/ui/button";
import { Checkbox } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { Empty } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { Icon } from "@/ui/icon";
import { useTitle } from "@/ui/page";
import { Skeleton } from "@/ui/skeleton";
import { toast } from "@/ui/toast";
import { useAct } from "@/ui/use-act";
import { type SharedPages, type Sharing, copyShare, refreshShares, sharedEnd, sharedFileUrl, sharedMessagesQuery } from "./api";
import { useShareWords } from "./words";

/** A conversation that somebody shows, to be read only. */
export function SharedPage() {
  const { shareId } = useParams({ from: "/workplace/shared/$shareId" });
  return <SharedView key={shareId} id={shareId} />;
}

function SharedView({ id }: { id: string }) {
  const { t } = useTranslation("share");
  const messages = useInfiniteQuery(sharedMessagesQuery(id));
  const items = useMemo(() => flatten(messages.data), [messages.data]);
  const share = messages.data?.pages[0]?.share;
  useTitle(share?.title ?? "");

  if (isGone(messages.error)) return <Gone />;
  if (!share) {
    return (
      <>
        <ChatBar plain={Boolean(messages.error)}>{null}</ChatBar>
        {messages.error ? (
          <div className={`${column} py-6`}>
            <ErrorNotice error={messages.error} onRetry={() => void messages.refetch()} />
          </div>
        ) : (
          <Skeleton label={t("loading")} className={`${column} py-6`}>
            <MessageBars />
          </Skeleton>
        )}
      </>
    );
  }
  return <Loaded first={share} messages={messages} items={items} />;
}

const isGone = (error: unknown) => error !== null && toApiError(error).code === "not_found";

/**
 * Looks at the end of what is shared again and again: for what is new while it
 * is live, and otherwise whether it is still there.
 */
function useEnd(first: Sharing, running: boolean) {
  const client = useQueryClient();
  const { id, live } = first;
  const every = running ? 2_000 : live ? 8_000 : 30_000;
  return useQuery({
    queryKey: ["shared-end", id],
    initialData: first,
    staleTime: every,
    queryFn: async ({ signal }) => {
      const newest = await sharedEnd(id, signal);
      const { queryKey } = sharedMessagesQuery(id);
      const data = client.getQueryData<SharedPages>(queryKey);
      const next = data && graft(data, newest);
      if (next) client.setQueryData<SharedPages>(queryKey, next);
      else if (data) await client.invalidateQueries({ queryKey }); // another branch
      return newest.share;
    },
    refetchInterval: (query) => !isGone(query.state.error) && every,
    refetchOnWindowFocus: "always",
    gcTime: 0,
  });
}

interface LoadedProps {
  first: Sharing;
  messages: { hasNextPage: boolean; isFetchingNextPage: boolean; isFetchNextPageError: boolean; error: unknown; fetchNextPage: () => Promise<unknown> };
  items: ReturnType<typeof flatten>;
}

function Loaded({ first, messages, items }: LoadedProps) {
  const { t } = useTranslation("share");
  const client = useQueryClient();
  const { data: share, error } = useEnd(first, items[items.length - 1]?.status === "running");
  const { id, ownerName, mine } = share;
  const { fetchNextPage } = messages;
  const onOlder = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const reading = useMemo((): Reading => ({ ...(!mine && { speaker: ownerName }), onlyReading: true, fileUrl: (attachmentId) => sharedFileUrl(id, attachmentId) }), [id, mine, ownerName]);
  const follow = useFollowEnd();
  useEffect(() => void refreshShares(client), [client, id]); // it is no longer new in the list
  if (isGone(error)) return <Gone />;
  return (
    <ReadingContext value={reading}>
      <ChatBar
        title={
          <h1 className="truncate text-16" title={share.title}>
            {share.title}
          </h1>
        }
      >
        {null}
      </ChatBar>
      <Banner share={share} />
      <TalkFrame follow={follow}>
        <Transcript
          conversationId={id}
          messages={items}
          scroller={follow.scroller}
          hasOlder={messages.hasNextPage}
          loadingOlder={messages.isFetchingNextPage}
          olderError={messages.isFetchNextPageError ? messages.error : null}
          onOlder={onOlder}
        />
        {items.length === 0 && <p className="py-12 text-center text-14 text-muted">{t("nothingYet")}</p>}
      </TalkFrame>
    </ReadingContext>
  );
}

/** Who shows it and until when, and the way to a copy of one's own. */
function Banner({ share }: { share: Sharing }) {
  const { t } = useTranslation("share");
  const format = useFormats();
  const words = useShareWords();
  const client = useQueryClient();
  const navigate = useNavigate();
  const act = useAct();
  const [asking, setAsking] = useState(false);
  const [pending, setPending] = useState(false);
  const copy = async (withSystemPrompt: boolean) => {
    setPending(true);
    await act(async () => {
      const made = await copyShare(share.id, withSystemPrompt);
      client.setQueryData(conversationQuery(made.id).queryKey, made);
      void client.invalidateQueries({ queryKey: conversationsKey });
      toast({ text: t("copied") });
      void navigate({ to: "/c/$conversationId", params: { conversationId: made.id } });
    });
    setPending(false);
    setAsking(false);
  };
  return (
    <section aria-label={t("aboutShare")} className="flex-none border-b border-rule bg-surface-raised py-2.5 text-14">
      <div className={`${column} flex flex-wrap items-center gap-x-4 gap-y-2`}>
        <Icon of={Users} className="flex-none text-muted max-md:hidden" />
        <div className="min-w-0 flex-1 basis-64">
          <p className="font-bold">{share.mine ? t("asOthersSee") : t("sharedBy", { name: share.ownerName })}</p>
          <p className="text-muted">{format.facts(t("readOnly"), t(share.live ? "liveShort" : "snapshotShort", { date: format.within(share.createdAt) }), words.until(share))}</p>
        </div>
        {share.mine && share.conversationId ? (
          <ButtonLink to="/c/$conversationId" params={{ conversationId: share.conversationId }} size="dense" className="print:hidden">
            {t("openMine")}
          </ButtonLink>
        ) : (
          <Button size="dense" icon={Copy} isPending={pending} pendingLabel={t("copying")} className="print:hidden" onPress={() => (share.withSystemPrompt ? setAsking(true) : void copy(false))}>
            {t("copyToMine")}
          </Button>
        )}
      </div>
      {asking && <CopyDialog pending={pending} onClose={() => setAsking(false)} onCopy={(withSystemPrompt) => void copy(withSystemPrompt)} />}
    </section>
  );
}

/** Asks whether the instructions are wanted too. */
function CopyDialog({ pending, onClose, onCopy }: { pending: boolean; onClose: () => void; onCopy: (withSystemPrompt: boolean) => void }) {
  const { t } = useTranslation("share");
  const { t: ui } = useTranslation("ui");
  const [wanted, setWanted] = useState(true);
  return (
    <Dialog
      title={t("copyToMine")}
      size="small"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={pending} pendingLabel={t("copying")} onPress={() => onCopy(wanted)}>
            {t("copy")}
          </Button>
        </>
      }
    >
      <p className="mb-3 text-14 leading-prose text-muted">{t("copyHint")}</p>
      <Checkbox isSelected={wanted} onChange={setWanted} hint={t("copySystemPromptHint")}>
        {t("copySystemPrompt")}
      </Checkbox>
    </Dialog>
  );
}

/** What is no longer shown, or never was for this person. */
function Gone() {
  const { t } = useTranslation("share");
  useTitle(t("gone"));
  return (
    <>
      <ChatBar plain>{null}</ChatBar>
      <Empty
        icon={EyeOff}
        heading={t("gone")}
        actions={
          <ButtonLink to="/shared" search={{}}>
            {t("toShared")}
          </ButtonLink>
        }
      >
        {t("goneHint")}
      </Empty>
    </>
  );
}
