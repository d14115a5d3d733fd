import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { type Conversation, type ConversationSummary, conversationQuery, conversationsKey, deleteConversation } from "@/features/chat/api";
import { api, unwrap } from "@/lib/api/client";
import { toApiError } from "@/lib/api/error";
import type { List, Schemas } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { useFormats } from "@/lib/format";
import { toast } from "@/ui/toast";
import { changeConversation, changeMany, historyKeys } from "./api";

type Items = (items: ConversationSummary[]) => ConversationSummary[];

/** Changes every list of conversations that is loaded, in whatever pages it came. */
function changeLists(client: QueryClient, change: Items) {
  type Page = List<ConversationSummary>;
  client.setQueriesData<Page | { pages: Page[] }>({ queryKey: conversationsKey }, (data) => {
    if (!data) return data;
    if ("pages" in data) return { ...data, pages: data.pages.map((page) => ({ ...page, items: change(page.items) })) };
    return { ...data, items: change(data.items) };
  });
}

/** Reads again what names conversations, folders and tags. */
export function refreshHistory(client: QueryClient) {
  return Promise.all(historyKeys.map((queryKey) => client.invalidateQueries({ queryKey })));
}

type Named = Pick<ConversationSummary, "id" | "title">;

/** What of a conversation says where it is put. */
export type Organised = Pick<ConversationSummary, "id" | "title" | "pinned" | "archived" | "tags" | "folderId">;

/** Deletes one or many conversations, with ten seconds to bring them back. */
export function useRemove(): (items: readonly Named[]) => void {
  const client = useQueryClient();
  const router = useRouter();
  const navigate = useNavigate();
  const { t } = useTranslation("history");
  const errorText = useErrorTextOf();
  const format = useFormats();
  return useCallback(
    (items) => {
      const ids = items.map((item) => item.id);
      const gone = new Set(ids);
      const [first] = items;
      if (!first) return;
      const failed = (error: unknown) => {
        toast({ tone: "danger", text: errorText(toApiError(error)).said });
        void refreshHistory(client);
      };
      changeLists(client, (all) => all.filter((item) => !gone.has(item.id)));
      const open = /^\/c\/([^/]+)/.exec(router.state.location.pathname)?.[1];
      if (open && gone.has(open)) void navigate({ to: "/" });
      const one = ids.length === 1;
      const done: Promise<unknown> = one ? deleteConversation(first.id) : changeMany({ action: "delete", ids });
      const restore = (): Promise<unknown> => (one ? unwrap(api.POST("/conversations/{id}/restore", { params: { path: { id: first.id } } })) : changeMany({ action: "restore", ids }));
      done.then(() => {
        for (const id of ids) client.removeQueries({ queryKey: ["messages", id] });
        void refreshHistory(client);
      }, failed);
      toast({
        text: one ? t("deleted", { title: first.title }) : t("deletedMany", { count: ids.length, formatted: format.number(ids.length) }),
        undo: () => {
          // Not before the deletion itself has been answered.
          void done
            .then(restore)
            .then(() => {
              for (const id of ids) void client.invalidateQueries({ queryKey: conversationQuery(id).queryKey });
              return refreshHistory(client);
            })
            .catch(failed);
        },
      });
    },
    [client, router, navigate, t, errorText, format],
  );
}

/** The acts that put a conversation in order. Each is seen at once and taken back if it is refused. */
export function useOrganise() {
  const client = useQueryClient();
  const { t } = useTranslation("history");
  const errorText = useErrorTextOf();
  return useMemo(() => {
    const change = async (item: Pick<ConversationSummary, "id">, patch: Schemas["ConversationChange"], leaves = false): Promise<boolean> => {
      const { id } = item;
      await client.cancelQueries({ queryKey: conversationsKey });
      changeLists(client, (all) => (leaves ? all.filter((one) => one.id !== id) : all.map((one) => (one.id === id ? ({ ...one, ...patch } as ConversationSummary) : one))));
      client.setQueryData<Conversation>(conversationQuery(id).queryKey, (data) => data && ({ ...data, ...patch } as Conversation));
      try {
        await changeConversation(id, patch);
        return true;
      } catch (error) {
        toast({ tone: "danger", text: errorText(toApiError(error)).said });
        return false;
      } finally {
        void refreshHistory(client);
        void client.invalidateQueries({ queryKey: conversationQuery(id).queryKey });
      }
    };
    return {
      change,
      pin: (item: Organised) => change(item, { pinned: !item.pinned }),
      archive: async (item: Organised) => {
        const archived = !item.archived;
        if (!(await change(item, { archived }, true))) return;
        toast({ text: t(archived ? "archived" : "unarchived", { title: item.title }), undo: () => void change(item, { archived: !archived }) });
      },
    };
  }, [client, t, errorText]);
}

/** Does one thing to many conversations; answers whether it was done. */
export function useBulk() {
  const client = useQueryClient();
  const errorText = useErrorTextOf();
  return useCallback(
    async (order: Schemas["BulkOrder"], done: (changed: number) => { text: string; undo?: Schemas["BulkOrder"] }): Promise<boolean> => {
      const failed = (error: unknown) => toast({ tone: "danger", text: errorText(toApiError(error)).said });
      try {
        const { changed } = await changeMany(order);
        const { text, undo } = done(changed);
        toast({ text, ...(undo && { undo: () => void changeMany(undo).then(() => refreshHistory(client), failed) }) });
        return true;
      } catch (error) {
        failed(error);
        return false;
      } finally {
        await refreshHistory(client);
      }
    },
    [client, errorText],
  );
}
