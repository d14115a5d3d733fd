import { type QueryClient, useMutation, useMutationState, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { foldersKey } from "@/features/history/api";
import { toApiError } from "@/lib/api/error";
import { useErrorTextOf } from "@/lib/error-text";
import { toast } from "@/ui/toast";
import { type Attachment, type Choice, type Started, continueAnswer, conversationQuery, conversationsKey, retryAnswer, sendTurn, startConversation, stopRun } from "./api";
import { draftsOf, newConversation } from "./drafts";
import { putStarted, refreshMessages, seedMessages } from "./message-cache";

/** A turn on its way to the server, shown as if it had arrived. */
export interface PendingTurn {
  clientId: string;
  text: string;
  attachments: Attachment[];
  /** Models that answer side by side. */
  compareModelIds?: string[];
  /** While an answer is being written: wait for its end, or stop it. */
  whenBusy?: "queue" | "replace";
}

const turnKey = (conversationId: string) => ["turn", conversationId];

/** The turn of this conversation that is on its way, if one is. */
export function usePendingTurn(conversationId: string): PendingTurn | undefined {
  return useMutationState({
    filters: { mutationKey: turnKey(conversationId), status: "pending" },
    select: (mutation) => (mutation.state.variables as { turn: PendingTurn } | undefined)?.turn,
  }).find((turn) => turn?.whenBusy !== "queue");
}

const asBody = ({ clientId, text, attachments, compareModelIds }: PendingTurn) => ({
  clientId,
  text,
  attachmentIds: attachments.map((attachment) => attachment.id),
  ...(compareModelIds && compareModelIds.length > 1 && { compareModelIds }),
});

/** How a turn is to be sent. */
export type SendHow = Pick<PendingTurn, "compareModelIds" | "whenBusy">;

/**
 * Sends what is drafted for a conversation that exists. The question is seen at
 * once; when the send fails, it is back in the field with the reason beside it.
 */
export function useSendTurn(accountId: string, conversationId: string) {
  const client = useQueryClient();
  const drafts = draftsOf(accountId);
  const mutation = useMutation({
    mutationKey: turnKey(conversationId),
    mutationFn: ({ turn }: { turn: PendingTurn }) => sendTurn(conversationId, { ...asBody(turn), ...(turn.whenBusy && { whenBusy: turn.whenBusy }) }),
    onSuccess: (started) => {
      drafts.sent(conversationId);
      putStarted(client, started);
      void client.invalidateQueries({ queryKey: conversationsKey });
    },
    onError: () => {
      drafts.sendFailed(conversationId);
      // It may have arrived all the same, or another tab may have been first.
      void refreshMessages(client, conversationId).catch(() => undefined);
    },
  });
  const { mutate } = mutation;
  const send = useCallback(
    (how: SendHow = {}) => {
      const turn = drafts.beginSend(conversationId);
      if (turn) mutate({ turn: { ...turn, ...how } });
    },
    [drafts, conversationId, mutate],
  );
  return { send, isPending: mutation.isPending, error: mutation.error, reset: mutation.reset };
}

/** Begins a conversation with what is drafted for a new one. */
export function useStartConversation(accountId: string, onStarted: (conversationId: string) => void) {
  const client = useQueryClient();
  const drafts = draftsOf(accountId);
  const mutation = useMutation({
    mutationKey: turnKey(newConversation),
    mutationFn: ({ turn, choice }: { turn: PendingTurn; choice: Choice }) => startConversation({ ...choice, turn: asBody(turn) }),
    onSuccess: (started) => {
      drafts.sent(newConversation);
      seedConversation(client, started);
    },
    onError: () => drafts.sendFailed(newConversation),
  });
  const { mutate } = mutation;
  const start = useCallback(
    (choice: Choice, how: SendHow = {}) => {
      const turn = drafts.beginSend(newConversation);
      // Only while the person is still here: who has gone elsewhere is not fetched back.
      if (turn) mutate({ turn: { ...turn, ...how }, choice }, { onSuccess: (started) => onStarted(started.conversation.id) });
    },
    [drafts, mutate, onStarted],
  );
  return { start, isPending: mutation.isPending, error: mutation.error, reset: mutation.reset };
}

function seedConversation(client: QueryClient, started: Started): void {
  client.setQueryData(conversationQuery(started.conversation.id).queryKey, started.conversation);
  seedMessages(client, started);
  void client.invalidateQueries({ queryKey: conversationsKey });
  if (started.conversation.folderId) void client.invalidateQueries({ queryKey: foldersKey }); // it has one more
}

/** Lets an answer go on, or be tried again. */
export function useResume(conversationId: string) {
  const client = useQueryClient();
  const errorText = useErrorTextOf();
  return useMutation({
    mutationFn: ({ how, messageId }: { how: "continue" | "retry"; messageId: string }) => (how === "continue" ? continueAnswer(conversationId, messageId) : retryAnswer(conversationId, messageId)),
    onSuccess: (started) => {
      putStarted(client, started);
      void client.invalidateQueries({ queryKey: conversationsKey });
    },
    onError: (error) => {
      toast({ tone: "danger", text: errorText(toApiError(error)).said });
      void refreshMessages(client, conversationId).catch(() => undefined);
    },
  });
}

/** Stops a run. What was said so far stays. */
export function useStop(conversationId: string) {
  const client = useQueryClient();
  const errorText = useErrorTextOf();
  return useMutation({
    mutationFn: (runId: string) => stopRun(runId),
    onError: (error) => {
      const failure = toApiError(error);
      // It ended by itself in the meantime: nothing to complain about.
      if (failure.code !== "run_not_active") toast({ tone: "danger", text: errorText(failure).said });
      void refreshMessages(client, conversationId).catch(() => undefined);
    },
  });
}
