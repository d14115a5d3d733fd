import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight, GitFork } from "lucide-react";
import { type ReactNode, createContext, useContext, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { isAbort, toApiError } from "@/lib/api/error";
import type { Model } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { IconButton } from "@/ui/button";
import { MenuItem } from "@/ui/menu";
import { toast } from "@/ui/toast";
import { type Message, type Opinion, conversationQuery, conversationsKey, editMessage, forkConversation, giveFeedback, openBranch, regenerateAnswer, withdrawFeedback } from "./api";
import { newClientId } from "./drafts";
import { putMessages, putStarted, refreshMessages } from "./message-cache";

/** What can be done with the messages of a conversation. Each tells whether it was done; failures are said. */
export interface MessageActs {
  /** The conversation's. */
  modelId: string;
  models: readonly Model[];
  edit: (message: Message, text: string) => Promise<boolean>;
  regenerate: (message: Message, modelId?: string) => Promise<boolean>;
  open: (messageId: string) => Promise<boolean>;
  fork: (message: Message, branches: "path" | "all") => Promise<boolean>;
  rate: (message: Message, opinion: Opinion | undefined) => Promise<boolean>;
}

const Acts = createContext<MessageActs | undefined>(undefined);
const Busy = createContext(false);

/** Absent where messages are only shown. */
export const useMessageActs = () => useContext(Acts);

/** Whether an answer is being written, so that no branch can begin. */
export const useBusy = () => useContext(Busy);

interface ProviderProps {
  conversationId: string;
  modelId: string;
  models: readonly Model[];
  busy: boolean;
  children: ReactNode;
}

/** Lets the messages inside be edited, answered again, forked and judged. */
export function MessageActsProvider({ conversationId, modelId, models, busy, children }: ProviderProps) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { t } = useTranslation("chat");
  const errorText = useErrorTextOf();
  const acts = useMemo((): MessageActs => {
    const done = async (act: () => Promise<unknown>): Promise<boolean> => {
      try {
        await act();
        void client.invalidateQueries({ queryKey: conversationsKey });
        return true;
      } catch (error) {
        if (!isAbort(error)) toast({ tone: "danger", text: errorText(toApiError(error)).said });
        void refreshMessages(client, conversationId).catch(() => undefined);
        return false;
      }
    };
    return {
      modelId,
      models,
      edit: (message, text) =>
        done(async () => {
          const attachmentIds = message.parts.flatMap((part) => ("attachmentId" in part ? [part.attachmentId] : []));
          const started = await editMessage(conversationId, message.id, { text, clientId: newClientId(), ...(attachmentIds.length > 0 && { attachmentIds }) });
          const { userMessage } = started;
          const siblingIds = userMessage && [...(message.siblingIds ?? [message.id]), userMessage.id];
          putStarted(client, siblingIds ? { ...started, userMessage: { ...userMessage, siblingIds } } : started);
        }),
      regenerate: (message, other) => done(async () => putStarted(client, await regenerateAnswer(conversationId, message.id, { clientId: newClientId(), ...(other && { modelId: other }) }))),
      open: (messageId) =>
        done(async () => {
          client.setQueryData(conversationQuery(conversationId).queryKey, await openBranch(conversationId, messageId));
          await refreshMessages(client, conversationId);
        }),
      fork: (message, branches) =>
        done(async () => {
          const fork = await forkConversation(conversationId, message.id, branches);
          client.setQueryData(conversationQuery(fork.id).queryKey, fork);
          void navigate({ to: "/c/$conversationId", params: { conversationId: fork.id } });
          toast({ text: t("forked") });
        }),
      rate: (message, opinion) =>
        done(async () => {
          const feedback = opinion ? await giveFeedback(message.id, opinion) : void (await withdrawFeedback(message.id));
          putMessages(client, conversationId, [{ ...message, feedback }]);
        }),
    };
  }, [client, navigate, conversationId, modelId, models, t, errorText]);
  return (
    <Acts value={acts}>
      <Busy value={busy}>{children}</Busy>
    </Acts>
  );
}

/** ‹ 2/3 ›: the other versions of a message, where there are any. */
export function SiblingSwitcher({ message }: { message: Message }) {
  const { t } = useTranslation("chat");
  const acts = useMessageActs();
  const siblings = message.siblingIds ?? [];
  const at = siblings.indexOf(message.id);
  if (!acts || siblings.length < 2 || at < 0) return null;
  const go = (to: number) => {
    const id = siblings[to];
    if (id) void acts.open(id);
  };
  return (
    <div role="group" aria-label={t("siblings")} className="flex items-center text-14 text-muted">
      <IconButton icon={ChevronLeft} iconSize={16} size="dense" label={t("siblingBefore")} disabledReason={at === 0 && t("siblingFirst")} onPress={() => go(at - 1)} />
      <span className="tabular-nums" role="status">
        <span aria-hidden="true">{`${at + 1}/${siblings.length}`}</span>
        <span className="sr-only">{t("siblingOf", { at: at + 1, total: siblings.length })}</span>
      </span>
      <IconButton icon={ChevronRight} iconSize={16} size="dense" label={t("siblingAfter")} disabledReason={at === siblings.length - 1 && t("siblingLast")} onPress={() => go(at + 1)} />
    </div>
  );
}

/** The items of a menu that make a new conversation of what leads to a message. */
export function forkItems(acts: MessageActs, message: Message, t: (key: "forkPath" | "forkAll") => string) {
  return [
    <MenuItem key="path" icon={GitFork} onAction={() => void acts.fork(message, "path")}>
      {t("forkPath")}
    </MenuItem>,
    <MenuItem key="all" icon={GitFork} onAction={() => void acts.fork(message, "all")}>
      {t("forkAll")}
    </MenuItem>,
  ];
}
