import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { MessageSquare, SlidersHorizontal } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { limitsQuery, may, modelsQuery, useMe, useUpdatePreferences } from "@/features/account/api";
import { StartFolder } from "@/features/history/start-folder";
import { ApiError } from "@/lib/api/error";
import { useFormats } from "@/lib/format";
import { ButtonLink, IconButton, TextLink } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { Icon } from "@/ui/icon";
import { Notice } from "@/ui/notice";
import { useTitle } from "@/ui/page";
import { Bar, Skeleton } from "@/ui/skeleton";
import { conversationsQuery } from "./api";
import { ChatBar } from "./chat-bar";
import { ClassPicker } from "./class-picker";
import { CompareDialog, CompareLine } from "./compare";
import { Composer } from "./composer";
import { ConversationSettings } from "./conversation-settings";
import { newConversation } from "./drafts";
import { useFollowEnd } from "./follow-end";
import { useLiveEvents } from "./live-events";
import { ModelPicker } from "./model-picker";
import { useFirstChoice } from "./first-choice";
import { SendFailed } from "./send-failed";
import { TemporarySwitch, ToTemporary } from "./temporary-switch";
import { onlyWords } from "./attachable";
import { TalkFrame, column } from "./talk-frame";
import { PendingMessages } from "./transcript";
import { usePendingTurn, useStartConversation } from "./turns";
import { WhereLine } from "./where-line";

/** Where a day begins: a place to ask, and what was left unfinished. */
export function StartPage() {
  const { t, i18n } = useTranslation("chat");
  const { account } = useMe();
  const { folder } = useSearch({ strict: false });
  const navigate = useNavigate();
  useLiveEvents();
  useTitle("");
  useEffect(() => {
    void import("./conversation-page"); // where the first send leads
  }, []);

  const models = useQuery(modelsQuery);
  const items = models.data?.items ?? [];
  const limits = useQuery(limitsQuery);
  const { refetch: refetchLimits } = limits;
  const updatePreferences = useUpdatePreferences();
  const { model, choice, ...first } = useFirstChoice(items);
  const [compare, setCompare] = useState<string[]>([]);
  const [asking, setAsking] = useState(false);
  const [settingsOpen, setSettingsOpen] = useState(false);

  const open = useCallback((conversationId: string) => void navigate({ to: "/c/$conversationId", params: { conversationId } }), [navigate]);
  const { start, isPending, error, reset } = useStartConversation(account.id, open);
  const pending = usePendingTurn(newConversation);
  const follow = useFollowEnd();

  // The policy is another since this page was opened: what it says now leads on.
  const overtaken = error instanceof ApiError && error.code === "temporary_policy";
  useEffect(() => {
    if (overtaken) void refetchLimits();
  }, [overtaken, refetchLimits]);

  const choose = (modelId: string) => {
    first.setModel(modelId);
    updatePreferences.mutate({ defaultModelId: modelId }); // the next conversation begins with it, too
  };

  const composer = (
    <>
      <Composer
        conversationId={newConversation}
        takes={model?.capabilities ?? (models.data && onlyWords)}
        confidentiality={first.confidentiality}
        blocked={models.data && !model ? items.length > 0 ? t("class.notTaken", { name: t(`class.${first.confidentiality}`) }) : t(models.data.barred ? "allBarred" : "noModelShort") : models.data && !first.isLoading ? undefined : t("loading")}
        sending={isPending}
        running={false}
        stopping={false}
        onSend={() => {
          reset();
          start({ ...choice, ...(folder && { folderId: folder }) }, compare.length > 0 ? { compareModelIds: compare } : {});
        }}
        onStop={() => undefined}
        first={!pending}
        autoFocus
        notice={
          <>
            {error && <SendFailed error={error} />}
            <CompareLine models={items} chosen={compare} onStop={() => setCompare([])} />
          </>
        }
      />
      <div className="flex flex-wrap items-start justify-between gap-x-4">
        <WhereLine model={model} />
        <span className="flex flex-wrap items-start">
          {!pending && <ClassPicker value={first.confidentiality} models={items} onChange={first.classify} />}
          {limits.data?.temporary === "allowed" && !pending && <TemporarySwitch accountId={account.id} isOn={false} />}
        </span>
      </div>
      {!pending && first.line}
    </>
  );

  const bar = (
    <ChatBar plain title={pending ? <h1 className="truncate text-16">{t("newConversation")}</h1> : undefined}>
      {first.fitting.length > 0 && <ModelPicker models={first.fitting} value={choice.modelId} onChange={choose} onCompare={() => setAsking(true)} className="max-md:max-w-3/4" />}
      {asking && <CompareDialog models={first.fitting} chosen={compare.length > 0 ? compare : [choice.modelId]} onChoose={setCompare} onClose={() => setAsking(false)} />}
      {items.length > 0 && <IconButton icon={SlidersHorizontal} size="dense" label={t("settingsTitle")} onPress={() => setSettingsOpen(true)} />}
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
    </ChatBar>
  );

  if (limits.data?.temporary === "enforced" && !pending) return <ToTemporary accountId={account.id} systemPrompt={first.ownPrompt} />;
  if (pending) {
    return (
      <>
        {bar}
        <TalkFrame follow={follow} foot={composer}>
          <PendingMessages turn={pending} />
        </TalkFrame>
      </>
    );
  }

  const name = account.name.split(/\s/)[0] ?? account.name;
  return (
    <>
      {bar}
      <div className="min-h-0 flex-1 overflow-y-auto [scrollbar-width:thin]">
        <div className={`${column} pb-12`}>
          <h1 className="mt-6 mb-4 text-24">
            {i18n.language === "ja" && <span className="inline-block">{t("greetingName", { name })}</span>}
            <span className="inline-block">{t("greeting")}</span>
          </h1>
          {models.error && !models.data ? <ErrorNotice error={models.error} onRetry={() => void models.refetch()} className="mb-4" /> : null}
          {models.data && <FirstRun barred={models.data.barred ?? 0} models={items.length} real={items.filter((one) => !one.demo).length} administrator={may(account, "connection.write")} />}
          {folder && <StartFolder id={folder} />}
          {composer}
          <Recent />
        </div>
      </div>
    </>
  );
}

/** What is missing before real work can be done here. */
function FirstRun({ models, barred, real, administrator }: { models: number; barred: number; real: number; administrator: boolean }) {
  const { t } = useTranslation("chat");
  if (barred > 0) {
    return (
      <Notice
        tone="warning"
        title={t("allBarred")}
        className="mb-4"
        actions={
          administrator && (
            <ButtonLink to="/admin/residency" size="dense" tone="primary">
              {t("openResidency")}
            </ButtonLink>
          )
        }
      >
        {t(administrator ? "allBarredAdminHint" : "allBarredHint")}
      </Notice>
    );
  }
  if (real > 0 || (models > 0 && !administrator)) return null;
  return (
    <Notice
      title={models === 0 ? t("noModel") : t("onlyDemo")}
      className="mb-4"
      actions={
        administrator && (
          <ButtonLink to="/admin/connections" search={{}} size="dense" tone="primary">
            {t("connectModel")}
          </ButtonLink>
        )
      }
    >
      {models > 0 ? t("onlyDemoHint") : administrator ? t("noModelAdminHint") : t("noModelHint")}
    </Notice>
  );
}

const recentCount = 5;

/** The conversations that were left last. */
function Recent() {
  const { t } = useTranslation("chat");
  const format = useFormats();
  const { data, error, isPending, refetch } = useInfiniteQuery(conversationsQuery);
  const items = data?.pages[0]?.items.slice(0, recentCount) ?? [];
  if (data && items.length === 0) return <p className="mt-8 text-14 leading-prose text-muted">{t("recentEmpty")}</p>;
  return (
    <section aria-labelledby="recent" className="mt-8">
      <div className="flex items-baseline justify-between gap-4 pb-2">
        <h2 id="recent" className="text-16">
          {t("recent")}
        </h2>
        <TextLink to="/history" search={{}} className="text-14">
          {t("recentAll")}
        </TextLink>
      </div>
      {isPending ? (
        <Skeleton>
          <div aria-hidden="true" className="grid gap-5 border-t border-rule pt-4">
            <Bar className="w-2/5" />
            <Bar className="w-3/5" />
            <Bar className="w-1/2" />
          </div>
        </Skeleton>
      ) : error && !data ? (
        <ErrorNotice error={error} onRetry={() => void refetch()} />
      ) : (
        <ul className="border-t border-rule">
          {items.map((item) => (
            <li key={item.id} className="border-b border-rule">
              <Link
                to="/c/$conversationId"
                params={{ conversationId: item.id }}
                className="grid min-h-row grid-cols-[20px_minmax(0,1fr)_auto] items-center gap-3 px-4 text-default no-underline hover:bg-surface-hover max-md:px-0"
              >
                <Icon of={MessageSquare} className="text-muted" />
                <span className="truncate">{item.title}</span>
                <span className="text-14 text-muted tabular-nums">{item.running ? t("writing") : format.near(item.updatedAt)}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
