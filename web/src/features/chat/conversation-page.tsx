import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Columns2, Ellipsis, MessageCircleDashed, MessageSquareX, Printer, Share2, SlidersHorizontal } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { limitsQuery, modelsQuery, useMe } from "@/features/account/api";
import { ConversationMenu } from "@/features/history/conversation-menu";
import { TitleFolder } from "@/features/history/start-folder";
import { useJump } from "@/features/history/use-jump";
import { ShareButton } from "@/features/share/share-button";
import { announce } from "@/lib/announce";
import { toApiError } from "@/lib/api/error";
import type { Model } from "@/lib/api/types";
import { type Confidentiality, counted, takesClass } from "@/lib/confidentiality";
import { ButtonLink, IconButton } from "@/ui/button";
import { Empty } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { MenuItem, MenuRule } from "@/ui/menu";
import { Notice } from "@/ui/notice";
import { useTitle } from "@/ui/page";
import { Skeleton } from "@/ui/skeleton";
import { toast } from "@/ui/toast";
import { type Takes, onlyWords } from "./attachable";
import { type Choice, type Conversation, type Message, conversationQuery, messagesQuery } from "./api";
import { ChatBar } from "./chat-bar";
import { ClassPicker } from "./class-picker";
import { CompareDialog, CompareLine } from "./compare";
import { Composer } from "./composer";
import { ContextGauge } from "./context-gauge";
import { useChoose } from "./conversation-acts";
import { ConversationSettings } from "./conversation-settings";
import { draftsOf } from "./drafts";
import { useFollowEnd } from "./follow-end";
import { useLiveEvents } from "./live-events";
import { comparedOf, flatten } from "./message-cache";
import { MessageActsProvider } from "./message-acts";
import { ModelPicker } from "./model-picker";
import { QueueList } from "./queue-list";
import { RenameDialog } from "./rename-dialog";
import { SendFailed } from "./send-failed";
import { TalkFrame, column } from "./talk-frame";
import { MessageBars, Transcript } from "./transcript";
import { usePendingTurn, useResume, useSendTurn, useStop } from "./turns";
import { useAnnouncements } from "./use-announcements";
import { WhereLine } from "./where-line";

/** A conversation: what was said, and the place to go on. */
export function ConversationPage() {
  const { conversationId } = useParams({ from: "/workplace/c/$conversationId" });
  useLiveEvents();
  // Another conversation is another page: nothing of the one before stays on it.
  return <ConversationView key={conversationId} id={conversationId} />;
}

function ConversationView({ id }: { id: string }) {
  const { t } = useTranslation("chat");
  const conversation = useQuery(conversationQuery(id));
  const messages = useInfiniteQuery(messagesQuery(id));
  const items = useMemo(() => flatten(messages.data), [messages.data]);
  const { fetchNextPage } = messages;
  const onOlder = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const error = conversation.error ?? (messages.data ? null : messages.error);
  useTitle(conversation.data?.title ?? "");

  if (error && toApiError(error).code === "not_found") {
    return (
      <>
        <ChatBar plain>{null}</ChatBar>
        <Empty icon={MessageSquareX} heading={t("notFound")} actions={<ButtonLink to="/">{t("startNew")}</ButtonLink>}>
          {t("notFoundHint")}
        </Empty>
      </>
    );
  }
  if (error && !(conversation.data && messages.data)) {
    return (
      <>
        <ChatBar plain title={<h1 className="truncate text-16">{conversation.data?.title ?? t("loadFailed")}</h1>}>
          {null}
        </ChatBar>
        <div className={`${column} py-6`}>
          <ErrorNotice
            error={error}
            onRetry={() => {
              void conversation.refetch();
              void messages.refetch();
            }}
          />
        </div>
      </>
    );
  }
  if (!conversation.data || !messages.data) {
    return (
      <>
        <ChatBar title={<h1 className="truncate text-16">{conversation.data?.title ?? ""}</h1>}>{null}</ChatBar>
        <Skeleton label={t("loading")} className={`${column} py-6`}>
          <MessageBars />
        </Skeleton>
      </>
    );
  }
  return (
    <Loaded
      conversation={conversation.data}
      messages={{ items, compared: comparedOf(messages.data), hasOlder: messages.hasNextPage, loadingOlder: messages.isFetchingNextPage, olderError: messages.isFetchNextPageError ? messages.error : null, onOlder }}
    />
  );
}

/** What the page needs of the messages, and the way to older ones. */
interface LoadedMessages {
  items: readonly Message[];
  compared: readonly Message[];
  hasOlder: boolean;
  loadingOlder: boolean;
  olderError: unknown;
  onOlder: () => void;
}

const noModels: readonly Model[] = [];

function Loaded({ conversation, messages }: { conversation: Conversation; messages: LoadedMessages }) {
  const { t } = useTranslation("chat");
  const { id } = conversation;
  const { account } = useMe();
  const known = useQuery(modelsQuery).data?.items;
  const models = known ?? noModels;
  const limits = useQuery(limitsQuery).data;
  const unkept = limits?.temporary === "enforced"; // nothing more may be stored
  const confidentiality = counted(conversation.class, limits?.defaultClass);
  const fitting = useMemo(() => models.filter((one) => takesClass(one, confidentiality)), [models, confidentiality]);
  const model = models.find((one) => one.id === conversation.modelId);
  const { items, compared, hasOlder, loadingOlder, olderError, onOlder } = messages;
  const [compare, setCompare] = useState<string[]>([]);
  const [asking, setAsking] = useState(false);
  const pending = usePendingTurn(id);
  const { send, error, isPending, reset } = useSendTurn(account.id, id);
  const choose = useChoose(id);
  const stop = useStop(id);
  const { mutate: resumeWith, isPending: resuming } = useResume(id);
  const resume = useMemo(() => ({ onContinue: (messageId: string) => resumeWith({ how: "continue", messageId }), onRetry: (messageId: string) => resumeWith({ how: "retry", messageId }), pending: resuming }), [resumeWith, resuming]);
  const follow = useFollowEnd();
  const last = items[items.length - 1];
  const comparing = compared.length > 1;
  const writing = (comparing ? compared : last ? [last] : []).filter((message) => message.role === "assistant" && message.status === "running");
  const running = writing.length > 0;
  const { mutateAsync: chooseModel } = choose;
  const onChosen = useCallback(
    ({ modelId }: Message) => {
      // Who goes on with an answer goes on with its model.
      if (modelId && modelId !== conversation.modelId && models.some((one) => one.id === modelId)) void chooseModel({ modelId }).catch(() => undefined);
    },
    [chooseModel, conversation.modelId, models],
  );
  const classify = (next: Exclude<Confidentiality, 0>) => {
    // Where the model does not take what is this confidential, one that does goes on.
    const other = model && takesClass(model, next) ? undefined : models.find((one) => takesClass(one, next));
    void chooseModel({ class: next, ...(other && { modelId: other.id }) })
      .then(() => other && toast({ text: t("class.otherModel", { name: t(`class.${next}`), model: other.displayName }) }))
      .catch(() => undefined);
  };
  const takes = compare.length > 0 ? takenByAll(models.filter((one) => compare.includes(one.id))) : (model?.capabilities ?? (known && onlyWords));

  useForgottenSend(account.id, id, items);
  useJump(id, { ...messages, loadingOlder: loadingOlder || olderError !== null });
  useAnnouncements(comparing ? (writing[0] ?? compared[0]) : last);

  return (
    <MessageActsProvider conversationId={id} modelId={conversation.modelId} models={fitting} busy={running}>
      <ConversationBar conversation={conversation} models={fitting} modelsKnown={known !== undefined} onChoose={choose.mutateAsync} onCompare={() => setAsking(true)} />
      {asking && <CompareDialog models={fitting} chosen={compare.length > 0 ? compare : [conversation.modelId]} onChoose={setCompare} onClose={() => setAsking(false)} />}
      <TalkFrame
        follow={follow}
        foot={
          <>
            <Composer
              conversationId={id}
              takes={takes}
              confidentiality={confidentiality}
              blocked={unkept ? t("temporary.enforcedHere") : comparing ? t("chooseFirst") : models.length > 0 && !model ? t("modelGoneHint") : model && !takesClass(model, confidentiality) ? t(fitting.length > 0 ? "class.notThis" : "class.notTaken", { name: t(`class.${confidentiality}`) }) : undefined}
              sending={isPending}
              running={running}
              stopping={stop.isPending || writing.some((message) => message.runId === stop.variables)}
              onSend={(whenBusy) => {
                reset();
                send({ ...(compare.length > 0 && { compareModelIds: compare }), ...(whenBusy && { whenBusy }) });
                setCompare([]);
                if (whenBusy === "queue") announce(t("queued"));
                else follow.toEnd();
              }}
              onStop={() => {
                for (const { runId } of writing) if (runId) stop.mutate(runId);
              }}
              autoFocus
              notice={
                <>
                  {error && <SendFailed error={error} />}
                  {unkept && (
                    <Notice
                      actions={
                        <ButtonLink to="/temporary" size="dense" icon={MessageCircleDashed}>
                          {t("temporary.start")}
                        </ButtonLink>
                      }
                    >
                      {t("temporary.enforcedHere")}
                    </Notice>
                  )}
                  <QueueList accountId={account.id} conversation={conversation} running={running} />
                  <CompareLine models={models} chosen={compare} onStop={() => setCompare([])} />
                </>
              }
            />
            <div className="flex flex-wrap items-start justify-between gap-x-2 max-md:gap-x-0">
              <WhereLine model={model} />
              <span className="flex flex-wrap items-start">
                <ClassPicker value={confidentiality} models={models} onChange={classify} />
                <ContextGauge conversationId={id} state={`${last?.id ?? ""} ${last?.status ?? ""} ${conversation.modelId}`} running={running} />
              </span>
            </div>
          </>
        }
      >
        <Transcript
          conversationId={id}
          messages={items}
          compared={compared}
          onChosen={onChosen}
          pending={pending}
          resume={resume}
          scroller={follow.scroller}
          hasOlder={hasOlder}
          loadingOlder={loadingOlder}
          olderError={olderError}
          onOlder={onOlder}
        />
      </TalkFrame>
    </MessageActsProvider>
  );
}

/** What every one of the models can be shown. */
function takenByAll(models: readonly Model[]): Takes {
  return { vision: models.every((model) => model.capabilities.vision), documents: models.every((model) => model.capabilities.documents) };
}

interface BarProps {
  conversation: Conversation;
  models: readonly Model[];
  /** Before they are, it cannot be said that one is gone. */
  modelsKnown: boolean;
  onChoose: (choice: Partial<Choice>) => Promise<unknown>;
  onCompare: () => void;
}

function ConversationBar({ conversation, models, modelsKnown, onChoose, onCompare }: BarProps) {
  const { t } = useTranslation("chat");
  const { id, title, modelId, parameters, systemPrompt, folderId } = conversation;
  const [open, setOpen] = useState<"rename" | "settings" | "share">();
  const close = () => setOpen(undefined);
  return (
    <ChatBar
      title={
        <>
          <h1 className="truncate text-16" title={title}>
            {title}
          </h1>
          <TitleFolder id={folderId} />
        </>
      }
    >
      {modelsKnown && <ModelPicker models={models} value={modelId} onChange={(chosen) => void onChoose({ modelId: chosen }).catch(() => undefined)} onCompare={onCompare} className="max-md:hidden" />}
      <ShareButton conversation={{ id, title }} isOpen={open === "share"} onOpen={() => setOpen("share")} onClose={close} />
      <ConversationMenu
        item={conversation}
        onRename={() => setOpen("rename")}
        label={t("conversationActs")}
        trigger={<IconButton icon={Ellipsis} size="dense" label={t("conversationActs")} />}
      >
        <MenuItem icon={Printer} onAction={() => window.print()}>
          {t("print")}
        </MenuItem>
        <MenuRule />
        <MenuItem icon={Share2} onAction={() => setOpen("share")}>
          {t("share")}
        </MenuItem>
        <MenuItem icon={SlidersHorizontal} onAction={() => setOpen("settings")}>
          {t("settingsTitle")}
        </MenuItem>
        {models.length > 1 && (
          <MenuItem icon={Columns2} onAction={onCompare}>
            {t("compare")}
          </MenuItem>
        )}
      </ConversationMenu>
      <RenameDialog id={id} title={title} isOpen={open === "rename"} onClose={close} />
      <ConversationSettings isOpen={open === "settings"} onClose={close} choice={{ modelId, parameters, systemPrompt }} models={models} onSave={onChoose} />
    </ChatBar>
  );
}

/** A send whose answer was lost may have arrived: then its words are not wanted back. */
function useForgottenSend(accountId: string, conversationId: string, items: readonly Message[]) {
  useEffect(() => {
    const drafts = draftsOf(accountId);
    const draft = drafts.get(conversationId);
    if (draft.clientId === undefined) return;
    const asked = items.findLast((message) => message.role === "user");
    if (asked?.parts.some((part) => part.type === "text" && part.text === draft.text)) drafts.clear(conversationId);
  }, [accountId, conversationId, items]);
}
