import { useQueryClient } from "@tanstack/react-query";
import { Hourglass, Pencil, SendHorizontal, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toApiError } from "@/lib/api/error";
import { useErrorTextOf } from "@/lib/error-text";
import { Button, IconButton } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { toast } from "@/ui/toast";
import { type Conversation, changeQueued, conversationQuery, removeQueued, sendQueued } from "./api";
import { draftsOf } from "./drafts";
import { EditBox } from "./edit-box";
import { putStarted } from "./message-cache";

interface Props {
  accountId: string;
  conversation: Conversation;
  running: boolean;
}

/** The turns that wait for the end of an answer, in the order in which they go. */
export function QueueList({ accountId, conversation, running }: Props) {
  const { t } = useTranslation("chat");
  const client = useQueryClient();
  const errorText = useErrorTextOf();
  const [editing, setEditing] = useState<string>();
  const [pending, setPending] = useState(false);
  const { id, queue } = conversation;
  if (queue.length === 0) return null;

  const act = async (what: () => Promise<unknown>): Promise<boolean> => {
    setPending(true);
    try {
      await what();
      return true;
    } catch (error) {
      const failure = toApiError(error);
      // Sent, or taken back, in the meantime.
      if (failure.code !== "not_found") toast({ tone: "danger", text: errorText(failure).said });
      return false;
    } finally {
      setPending(false);
      void client.invalidateQueries({ queryKey: conversationQuery(id).queryKey });
    }
  };
  // Nothing written is lost: words and files go back to the field.
  const remove = (queuedId: string) => act(async () => draftsOf(accountId).giveBack(id, await removeQueued(id, queuedId)));

  return (
    <section aria-label={t("queue")} className="rounded-12 border border-rule bg-surface-raised text-14">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 py-1 pr-1 pl-4">
        <h2 className="text-14">{t("queue")}</h2>
        <p role="status" className="min-w-0 flex-1 text-muted">
          {running ? t("queueNext") : t("queueHeld")}
        </p>
        {!running && (
          <Button tone="primary" size="dense" icon={SendHorizontal} isPending={pending} pendingLabel={t("sending")} onPress={() => void act(async () => putStarted(client, await sendQueued(id)))}>
            {t("queueSend")}
          </Button>
        )}
      </div>
      <ol className="max-h-48 overflow-y-auto border-t border-rule [scrollbar-width:thin]">
        {queue.map((waiting) => (
          <li key={waiting.id} className="border-b border-rule py-0.5 pr-1 pl-4 last:border-0">
            {editing === waiting.id ? (
              <div className="py-2 pr-3">
                <EditBox
                  text={waiting.text}
                  label={t("queueEdit")}
                  saveLabel={t("queueSave")}
                  mayBeEmpty={waiting.attachmentIds.length > 0}
                  onSave={(text) => act(() => changeQueued(id, waiting.id, text))}
                  onClose={() => setEditing(undefined)}
                />
              </div>
            ) : (
              <div className="flex items-center gap-2">
                <Icon of={Hourglass} size={16} className="text-muted" />
                <span className="min-w-0 flex-1 truncate" title={waiting.text}>
                  {waiting.text || t("queueFiles", { count: waiting.attachmentIds.length })}
                </span>
                <IconButton icon={Pencil} iconSize={16} size="dense" label={t("queueEdit")} onPress={() => setEditing(waiting.id)} />
                <IconButton icon={X} iconSize={16} size="dense" label={t("queueRemove")} onPress={() => void remove(waiting.id)} />
              </div>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
