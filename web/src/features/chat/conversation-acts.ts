import { type InfiniteData, useMutation, useQueryClient } from "@tanstack/react-query";
import { toApiError } from "@/lib/api/error";
import type { List } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { toast } from "@/ui/toast";
import { type Choice, type Conversation, type ConversationSummary, conversationQuery, conversationsKey, conversationsQuery, updateConversation } from "./api";

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
    onError: (error) => toast({ tone: "danger", text: errorText(toApiError(error)).said }),
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
      toast({ tone: "danger", text: errorText(toApiError(error)).said });
    },
    onSettled: () => void client.invalidateQueries({ queryKey, exact: true }),
  });
}
