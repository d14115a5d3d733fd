import { ArrowUp, ImagePlus, Paperclip, Square } from "lucide-react";
import { type ClipboardEvent, type DragEvent, type KeyboardEvent, type ReactNode, useCallback, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSlash } from "@/features/library/slash";
import type { SendKey } from "@/lib/api/types";
import { useCommand } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { useMediaQuery } from "@/lib/use-media-query";
import { Button } from "@/ui/button";
import { type Takes, acceptOf, canTake } from "./attachable";
import { AttachmentList } from "./attachment-list";
import { isComposing } from "./composing";
import { useDraft } from "./drafts";
import { type Refusal, mostAttachments, useAttachments } from "./use-attachments";

interface Props {
  accountId: string;
  /** Whose draft this is. */
  conversationId: string;
  sendKey: SendKey;
  placeholder: string;
  /** What the model can be shown; undefined while there is none. */
  takes: Takes | undefined;
  /** Why nothing can be sent now: no model, the model is gone. */
  blocked?: string | undefined;
  /** A send is on its way. */
  sending: boolean;
  /** An answer is being written: Stop stands where Send was. */
  running: boolean;
  stopping: boolean;
  /** While an answer is being written: after it, or instead of it. */
  onSend: (whenBusy?: "queue" | "replace") => void;
  onStop: () => void;
  /** The start page has room for more lines. */
  roomy?: boolean;
  autoFocus?: boolean;
  /** Above the field: why the last send failed. */
  notice?: ReactNode;
}

const nothing: Takes = { vision: false, documents: false };

/** Where a person writes. Nothing written here is ever lost. */
export function Composer(props: Props) {
  const { accountId, conversationId, sendKey, placeholder, takes = nothing, blocked, sending, running, stopping, onSend, onStop, roomy, autoFocus, notice } = props;
  const { t } = useTranslation("chat");
  const [draft, change] = useDraft(accountId, conversationId);
  const files = useAttachments(draft, takes, change);
  const [refusals, setRefusals] = useState<Refusal[]>([]);
  const [over, setOver] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const slash = useSlash(draft.text, useCallback((text) => change((old) => ({ text, attachments: old.attachments })), [change]), field, box);
  const noteId = useId();
  const touch = useMediaQuery("(pointer: coarse)");

  useEffect(() => {
    // A keyboard that slides in over a phone's page is not wanted unasked.
    if (autoFocus && !touch) field.current?.focus();
  }, [autoFocus, touch, conversationId]);

  const empty = draft.text.trim() === "" && draft.attachments.length === 0;
  const onlyImages = takes.vision && !takes.documents;
  const unread = files.items.find((item) => !canTake(takes, item.kind));
  const reason = blocked ?? (unread ? t(`unread.${unread.kind}`) : files.busy ? t("uploading") : files.failed ? t("uploadFailedFirst") : undefined);
  const canSend = !empty && !reason && !sending;

  const send = (whenBusy?: "queue" | "replace") => {
    if (!canSend) return;
    setRefusals([]);
    if (running) onSend(whenBusy ?? "queue");
    else onSend();
    field.current?.focus();
  };

  const halt = () => {
    onStop();
    if (!touch) field.current?.focus(); // the button under the focus is about to go
  };

  useCommand("focusComposer", () => field.current?.focus());
  useCommand("stop", running && !stopping ? halt : undefined);

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (slash.onKeyDown(event) || event.key !== "Enter" || isComposing(event)) return;
    const withControl = event.ctrlKey || event.metaKey;
    // On a phone Enter is the only way to a new line.
    const wanted = withControl || (sendKey === "enter" && !touch && !event.shiftKey && !event.altKey);
    if (!wanted) return;
    event.preventDefault();
    send();
  };

  const take = (list: Iterable<File>) => {
    const all = [...list];
    if (all.length > 0) setRefusals(files.add(all));
  };

  const onPaste = (event: ClipboardEvent) => {
    const pasted = [...event.clipboardData.files];
    // A spreadsheet puts a picture of the cells beside their text; the text is meant.
    if (pasted.length === 0 || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    take(pasted);
  };

  const onDrop = (event: DragEvent) => {
    setOver(false);
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  };

  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-2">
      {notice}
      {slash.menu}
      <div
        ref={box}
        role="presentation"
        onDragOver={(event) => {
          if (!event.dataTransfer.types.includes("Files")) return;
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
        className={cx(
          "rounded-12 border bg-surface focus-within:border-[var(--focus)] focus-within:shadow-[0_0_0_1px_var(--focus)]",
          over ? "border-accent bg-accent-soft" : "border-control",
        )}
      >
        <AttachmentList items={files.items} onRemove={files.remove} onRetry={files.retry} takes={takes} />
        <textarea
          ref={field}
          rows={CSS.supports?.("field-sizing", "content") ? 1 : Math.min(9, draft.text.split("\n", 9).length)}
          value={draft.text}
          onChange={(event) => {
            const text = event.target.value;
            // What is changed is no longer the send that may have arrived.
            change((old) => ({ text, attachments: old.attachments }));
          }}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          placeholder={placeholder}
          aria-label={t("words")}
          aria-describedby={noteId}
          {...slash.aria}
          className={cx(
            "block max-h-60 w-full field-sizing-content resize-none bg-transparent px-4 pt-3 pb-1 leading-prose [word-break:normal] shadow-none! outline-none! [scrollbar-width:thin]",
            roomy ? "min-h-19" : "min-h-11",
          )}
        />
        <div className="flex flex-wrap items-center gap-1 px-1.5 pb-1.5">
          <input
            ref={picker}
            type="file"
            accept={acceptOf(takes)}
            multiple
            hidden
            onChange={(event) => {
              take(event.target.files ?? []);
              event.target.value = "";
            }}
          />
          <Button tone="quiet" size="dense" icon={onlyImages ? ImagePlus : Paperclip} className="text-muted" disabledReason={!takes.vision && !takes.documents && t("unread.any")} onPress={() => picker.current?.click()}>
            {onlyImages ? t("attachImage") : t("attachFile")}
          </Button>
          <span id={noteId} className="min-w-0 flex-1 truncate px-2 text-right text-14 text-muted">
            {reason && !empty ? reason : ""}
          </span>
          {running && (
            <Button size="dense" icon={Square} onPress={halt} isPending={stopping} pendingLabel={t("stopping")}>
              {t("stop")}
            </Button>
          )}
          {running ? (
            !empty && (
              <>
                <Button size="dense" onPress={() => send("replace")} disabledReason={reason} isPending={sending}>
                  {t("sendReplace")}
                </Button>
                <Button tone="primary" size="dense" icon={ArrowUp} onPress={() => send("queue")} isPending={sending} pendingLabel={t("sending")} disabledReason={reason}>
                  {t("sendQueue")}
                </Button>
              </>
            )
          ) : (
            <Button
              tone="primary"
              size="dense"
              icon={ArrowUp}
              onPress={() => send()}
              isPending={sending}
              pendingLabel={t("sending")}
              disabledReason={!sending && (reason ?? (empty && t("nothingToSend")))}
            >
              {t("send")}
            </Button>
          )}
        </div>
      </div>
      <RefusalNotes refusals={refusals} sees={takes.vision} />
    </div>
  );
}

export { isComposing } from "./composing";

function RefusalNotes({ refusals, sees }: { refusals: readonly Refusal[]; sees: boolean }) {
  const { t } = useTranslation("chat");
  const texts = { image: t("refused.image"), document: sees ? t("refused.notImage") : t("refused.document"), tooMany: t("refused.tooMany", { most: mostAttachments }) };
  return (
    // Always there, so that what comes into it is read out.
    <div role="status" className="grid gap-0.5 px-2 text-14 text-warning empty:hidden">
      {refusals.map((refusal, i) => (
        <p key={i}>{`${refusal.name}: ${texts[refusal.reason]}`}</p>
      ))}
    </div>
  );
}
