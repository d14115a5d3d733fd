import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useBlocker } from "@tanstack/react-router";
import { Eraser, MessageCircleDashed, SlidersHorizontal } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { limitsQuery, modelsQuery, useMe } from "@/features/account/api";
import { useNoticeOf } from "@/features/notify/notices";
import { ButtonLink, IconButton } from "@/ui/button";
import { ConfirmDialog } from "@/ui/dialog";
import { Empty } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { Icon } from "@/ui/icon";
import { Notice } from "@/ui/notice";
import { useTitle } from "@/ui/page";
import { onlyWords } from "./attachable";
import { ChatBar } from "./chat-bar";
import { ClassPicker } from "./class-picker";
import { Composer } from "./composer";
import { ConversationSettings } from "./conversation-settings";
import { draftsOf, temporaryConversation, useDraft } from "./drafts";
import { inPage } from "./file-keeper";
import { useFirstChoice } from "./first-choice";
import { useFollowEnd } from "./follow-end";
import { ModelPicker } from "./model-picker";
import { SendFailed } from "./send-failed";
import { TalkFrame, column } from "./talk-frame";
import { TemporaryTalk, isWritten } from "./temporary";
import { TemporarySwitch } from "./temporary-switch";
import { Transcript } from "./transcript";
import { useAnnouncements } from "./use-announcements";
import { WhereLine } from "./where-line";

/** A conversation that is kept nowhere: it is on this page, and gone with it. */
export function TemporaryPage() {
  const policy = useQuery(limitsQuery).data?.temporary;
  const enforced = policy === "enforced";
  const { t } = useTranslation("chat");
  useTitle(t("temporary.title"));
  const client = useQueryClient();
  const { account } = useMe();
  const models = useQuery(modelsQuery);
  const items = models.data?.items ?? [];
  const { model, choice, ...first } = useFirstChoice(items);
  const [settingsOpen, setSettingsOpen] = useState(false);
  const [erasing, setErasing] = useState(false);
  const [talk] = useState(() => new TemporaryTalk());
  const { messages, running, line } = useSyncExternalStore(talk.subscribe, talk.getSnapshot);
  const [draft] = useDraft(account.id, temporaryConversation);
  const follow = useFollowEnd();
  useAnnouncements(messages.at(-1));
  useNoticeOf(messages.at(-1));

  const forget = useCallback(() => {
    talk.clear();
    const drafts = draftsOf(account.id);
    for (const { id } of drafts.get(temporaryConversation).attachments) inPage.forget(id);
    drafts.clear(temporaryConversation);
  }, [talk, account.id]);
  const shown = useRef(false);
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
      // A page that only moves to another place is back at once.
      setTimeout(() => {
        if (!shown.current) forget();
      }, 0);
    };
  }, [forget]);

  const holds = messages.length > 0 || isWritten(draft);
  // As it is at that moment, which may be before this page is drawn again.
  const holdsNow = () => talk.getSnapshot().messages.length > 0 || isWritten(draftsOf(account.id).get(temporaryConversation));
  const leaving = useBlocker({
    // Who signs out means to leave.
    shouldBlockFn: ({ current, next }) => next.pathname !== current.pathname && next.pathname !== "/sign-in" && holdsNow(),
    enableBeforeUnload: holdsNow,
    withResolver: true,
  });

  const turn = useMutation({
    mutationFn: async (how: "send" | "retry") => {
      if (how === "retry") return talk.retry(choice);
      const drafts = draftsOf(account.id);
      const sent = drafts.beginSend(temporaryConversation);
      if (!sent) return;
      try {
        await talk.ask(sent, choice);
        drafts.sent(temporaryConversation);
      } catch (error) {
        drafts.sendFailed(temporaryConversation);
        throw error;
      }
    },
    onError: () => void client.invalidateQueries({ queryKey: limitsQuery.queryKey }), // the policy may be another by now
    gcTime: 0,
  });
  const { mutate } = turn;
  const resume = useMemo(() => ({ onRetry: () => mutate("retry"), pending: false }), [mutate]);

  const composer = (
    <>
      <Composer
        conversationId={temporaryConversation}
        takes={model?.capabilities ?? (models.data && onlyWords)}
        confidentiality={first.confidentiality}
        keeper={inPage}
        unkept
        blocked={policy === "off" ? t("temporary.off") : running ? t("temporary.busy") : models.data && !model ? items.length > 0 ? t("class.notTaken", { name: t(`class.${first.confidentiality}`) }) : t(models.data.barred ? "allBarred" : "noModelShort") : models.data && !first.isLoading ? undefined : t("loading")}
        sending={false}
        running={running}
        oneAtATime
        stopping={false}
        onSend={() => {
          first.hold(choice.systemPrompt);
          mutate("send");
          follow.toEnd();
        }}
        onStop={() => talk.stop()}
        first={messages.length === 0}
        autoFocus
        notice={turn.error && <SendFailed error={turn.error} />}
      />
      <div className="flex flex-wrap items-start justify-between gap-x-4">
        <WhereLine model={model} unkept />
        <span className="flex flex-wrap items-start">
          <ClassPicker value={first.confidentiality} models={items} onChange={first.classify} />
          {!enforced && messages.length === 0 && <TemporarySwitch accountId={account.id} isOn />}
        </span>
      </div>
      {messages.length === 0 && first.line}
    </>
  );

  const bar = (
    <ChatBar plain={messages.length === 0} title={messages.length > 0 ? <h1 className="truncate text-16">{t("temporary.title")}</h1> : undefined}>
      {items.length > 0 && <ModelPicker models={first.fitting} value={choice.modelId} onChange={first.setModel} className={messages.length > 0 ? "max-md:hidden" : "max-md:max-w-3/4"} />}
      {items.length > 0 && <IconButton icon={SlidersHorizontal} size="dense" label={t("settingsTitle")} onPress={() => setSettingsOpen(true)} />}
      {messages.length > 0 && <IconButton icon={Eraser} size="dense" label={t("temporary.erase")} onPress={() => setErasing(true)} />}
      <ConversationSettings
        isOpen={settingsOpen}
        onClose={() => setSettingsOpen(false)}
        choice={choice}
        models={first.fitting}
        onSave={(next) => {
          first.choose(next);
          return Promise.resolve();
        }}
      />
      <ConfirmDialog
        title={t("temporary.eraseTitle")}
        confirmLabel={t("temporary.eraseAct")}
        isOpen={erasing}
        onClose={() => setErasing(false)}
        onConfirm={() => {
          forget();
          first.hold(undefined);
          turn.reset();
          return Promise.resolve();
        }}
      >
        <p>{t("temporary.eraseHint")}</p>
      </ConfirmDialog>
      <ConfirmDialog
        title={t("temporary.leaveTitle")}
        confirmLabel={t("temporary.leaveAct")}
        isOpen={leaving.status === "blocked"}
        onClose={() => leaving.reset?.()}
        onConfirm={() => {
          forget();
          leaving.proceed?.();
          return Promise.resolve();
        }}
      >
        <p>{t("temporary.leaveHint")}</p>
      </ConfirmDialog>
    </ChatBar>
  );

  if (policy === "off" && !holds) {
    return (
      <>
        <ChatBar plain>{null}</ChatBar>
        <Empty icon={MessageCircleDashed} heading={t("temporary.off")} actions={<ButtonLink to="/">{t("startNew")}</ButtonLink>}>
          {t("temporary.offHint")}
        </Empty>
      </>
    );
  }
  if (messages.length === 0) {
    return (
      <>
        {bar}
        <div className="min-h-0 flex-1 overflow-y-auto [scrollbar-width:thin]">
          <div className={`${column} pb-12`}>
            <h1 className="mt-6 mb-4 flex items-center gap-3 text-24">
              <Icon of={MessageCircleDashed} className="text-muted" />
              {t("temporary.title")}
            </h1>
            {models.error && !models.data ? <ErrorNotice error={models.error} onRetry={() => void models.refetch()} className="mb-4" /> : null}
            <Notice className="mb-4" title={enforced ? t("temporary.enforced") : t("temporary.intro")}>
              <ul className="list-disc pl-5">
                <li>{t("temporary.notKept")}</li>
                <li>{t("temporary.lost")}</li>
                <li>{t("temporary.counted")}</li>
              </ul>
            </Notice>
            {composer}
          </div>
        </div>
      </>
    );
  }
  return (
    <>
      {bar}
      <p className="flex flex-none items-start justify-center gap-2 border-b border-dashed border-control bg-surface-raised px-6 py-2 text-14 max-md:justify-start max-md:px-4">
        <Icon of={MessageCircleDashed} size={16} className="mt-0.5 text-muted" />
        <span>{t("temporary.banner")}</span>
      </p>
      <TalkFrame follow={follow} foot={composer}>
        <Transcript line={line} conversationId={temporaryConversation} messages={messages} resume={resume} scroller={follow.scroller} />
      </TalkFrame>
    </>
  );
}
