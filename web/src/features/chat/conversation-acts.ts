import { type InfiniteData, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { toApiError } from "@/lib/api/error";
import type { List } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { toast } from "@/ui/toast";
import { type Choice, type Conversation, type ConversationSummary, conversationQuery, conversationsKey, conversationsQuery, deleteConversation, deleteConversationLater, updateConversation } from "./api";

type ListData = InfiniteData<List<ConversationSummary>, string>;

function changeList(data: ListData | undefined, change: (items: ConversationSummary[]) => ConversationSummary[]): ListData | undefined {
  return data && { ...data, pages: data.pages.map((page) => ({ ...page, items: change(page.items) })) };
}

/** Gives a conversation another title: seen at once, taken back if it is refused. */
export function useRename() {
  const client = useQueryClient();
  const errorText = useErrorTextOf();
  return useMutation({
    mutationFn: ({ id, title }: { id: string; title: string }) => updateConversation(id, { title }),
    onMutate: ({ id, title }) => {
      client.setQueryData<ListData>(conversationsQuery.queryKey, (data) => changeList(data, (items) => items.map((item) => (item.id === id ? { ...item, title } : item))));
      client.setQueryData<Conversation>(conversationQuery(id).queryKey, (data) => data && { ...data, title });
    },
    onError: (error) => toast({ tone: "danger", text: errorText(toApiError(error)).what }),
    onSettled: (_data, _error, { id }) => {
      void client.invalidateQueries({ queryKey: conversationsKey });
      void client.invalidateQueries({ queryKey: conversationQuery(id).queryKey });
    },
  });
}

/** Changes what is chosen for a conversation: seen at once, taken back if it is refused. */
export function useChoose(id: string) {
  const client = useQueryClient();
  const errorText = useErrorTextOf();
  const { queryKey } = conversationQuery(id);
  return useMutation({
    mutationFn: (choice: Partial<Choice>) => updateConversation(id, choice),
    onMutate: async (choice) => {
      await client.cancelQueries({ queryKey, exact: true });
      const before = client.getQueryData<Conversation>(queryKey);
      if (before) client.setQueryData<Conversation>(queryKey, { ...before, ...choice });
      return before;
    },
    onError: (error, _choice, before) => {
      if (before) client.setQueryData(queryKey, before);
      toast({ tone: "danger", text: errorText(toApiError(error)).what });
    },
    onSettled: () => void client.invalidateQueries({ queryKey, exact: true }),
  });
}

/** Deletions that can still be taken back. */
const leaving = new Set<string>();

window.addEventListener("pagehide", () => {
  for (const id of leaving) deleteConversationLater(id);
  leaving.clear();
});

/**
 * Deletes a conversation after the time to undo has gone. Until then it is only
 * out of sight, here and in the list.
 */
export function useDelete() {
  const client = useQueryClient();
  const router = useRouter();
  const navigate = useNavigate();
  const { t } = useTranslation("chat");
  const errorText = useErrorTextOf();
  return useCallback(
    (conversation: Pick<ConversationSummary, "id" | "title">) => {
      const { id, title } = conversation;
      leaving.add(id);
      client.setQueryData<ListData>(conversationsQuery.queryKey, (data) => changeList(data, (items) => items.filter((item) => item.id !== id)));
      if (router.state.location.pathname === `/c/${id}`) void navigate({ to: "/" });
      const reread = () => client.invalidateQueries({ queryKey: conversationsKey });
      toast({
        text: t("deleted", { title }),
        undo: () => {
          leaving.delete(id);
          void reread();
        },
        onGone: () => {
          if (!leaving.delete(id)) return;
          deleteConversation(id).then(
            () => client.removeQueries({ queryKey: ["messages", id] }),
            (error: unknown) => toast({ tone: "danger", text: errorText(toApiError(error)).what }),
          ).finally(() => void reread());
        },
      });
    },
    [client, router, navigate, t, errorText],
  );
}

/** Whether a conversation is out of sight because it is being deleted. */
export function isLeaving(id: string): boolean {
  return leaving.has(id);
}
