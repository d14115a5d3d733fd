import { useQuery } from "@tanstack/react-query";
import { ArrowUp, Paperclip, Square } from "lucide-react";
import { type ClipboardEvent, type KeyboardEvent, type ReactNode, useCallback, useEffect, useId, useRef } from "react";
import { useTranslation } from "react-i18next";
import { limitsQuery, useMe } from "@/features/account/api";
import { useSlash } from "@/features/library/slash";
import { useCommand } from "@/lib/commands";
import { isComposing } from "@/lib/composing";
import type { Confidentiality } from "@/lib/confidentiality";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import { useMediaQuery } from "@/lib/use-media-query";
import { Button } from "@/ui/button";
import { Tip } from "@/ui/tooltip";
import { type Takes, acceptOf, canTake, noLimits, onlyWords } from "./attachable";
import { AttachmentList } from "./attachment-list";
import { useDraft } from "./drafts";
import { DropArea } from "./drop-area";
import { type FileKeeper, onServer } from "./file-keeper";
import { type Refusal, useAttachments } from "./use-attachments";
import { useDictation } from "./use-dictation";

interface Props {
  /** Whose draft this is. */
  conversationId: string;
  /** What the model can be shown; undefined until it is known. */
  takes: Takes | undefined;
  /** How confidential what is said here is. */
  confidentiality?: Confidentiality;
  /** Where files are until they are sent. */
  keeper?: FileKeeper;
  /** What is written here is kept nowhere: it looks less settled. */
  unkept?: boolean;
  /** Why nothing can be sent now: no model, the model is gone. */
  blocked?: string | undefined;
  /** A send is on its way. */
  sending: boolean;
  /** An answer is being written: Stop stands where Send was. */
  running: boolean;
  stopping: boolean;
  /** Nothing can be sent while an answer is being written. */
  oneAtATime?: boolean;
  /** While an answer is being written: after it, or instead of it. */
  onSend: (whenBusy?: "queue" | "replace") => void;
  onStop: () => void;
  /** Nothing has been said yet: there is room for more lines. */
  first?: boolean;
  autoFocus?: boolean;
  /** Above the field: why the last send failed. */
  notice?: ReactNode;
}

/** Where a person writes. Nothing written here is ever lost. */
export function Composer(props: Props) {
  const { conversationId, takes, confidentiality = 0, keeper = onServer, unkept, blocked, sending, running, stopping, oneAtATime, onSend, onStop, first, autoFocus, notice } = props;
  const { t } = useTranslation("chat");
  const format = useFormats();
  const { account, preferences } = useMe();
  const [draft, change] = useDraft(account.id, conversationId);
  const limitsAnswer = useQuery(limitsQuery);
  const limits = limitsAnswer.data ?? (limitsAnswer.error ? noLimits : undefined);
  const files = useAttachments({ draft, change, takes, limits, keeper });
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const slash = useSlash(draft.text, useCallback((text) => change((old) => ({ text, attachments: old.attachments })), [change]), field, box);
  const dictation = useDictation({
    conversationId,
    confidentiality,
    field,
    change: useCallback((make) => change((old) => ({ text: make(old.text), attachments: old.attachments })), [change]),
  });
  const noteId = useId();
  const touch = useMediaQuery("(pointer: coarse)");

  useEffect(() => {
    // A keyboard that slides in over a phone's page is not wanted unasked.
    if (autoFocus && !touch) field.current?.focus();
  }, [autoFocus, touch, conversationId]);

  const empty = draft.text.trim() === "" && draft.attachments.length === 0;
  const shown = takes ?? onlyWords;
  const unread = takes && files.items.find((item) => item.state === "ready" && !canTake(takes, item.kind));
  const most = limits?.attachmentsPerTurn ?? Number.POSITIVE_INFINITY;
  const largest = limits?.attachmentBytes ?? Number.POSITIVE_INFINITY;
  const bounds = Number.isFinite(largest) && Number.isFinite(most) ? t("attachLimits", { size: format.bytes(largest), count: most }) : "";
  const reason =
    blocked ??
    (dictation.busy ? t("dictation.finishFirst") : undefined) ??
    (unread
      ? t(unread.kind === "image" ? "unread.image" : "unread.document")
      : files.items.length > most
        ? t("refused.tooMany", { count: most })
        : files.busy
          ? t("uploading")
          : files.failed
            ? t("uploadFailedFirst")
            : undefined);
  const canSend = !empty && !reason && !sending;

  const send = (whenBusy?: "queue" | "replace") => {
    if (!canSend) return;
    files.forgetRefusals();
    if (running) onSend(whenBusy ?? "queue");
    else onSend();
    field.current?.focus();
  };

  // The button under the focus is about to go.
  const halt = () => {
    onStop();
    if (!touch) field.current?.focus();
  };
  const takeOut = (key: string) => {
    files.remove(key);
    if (!touch) field.current?.focus();
  };

  useEffect(() => {
    // So is the one that let an answer go on, or be tried again.
    if (running && !touch && document.activeElement === document.body) field.current?.focus();
  }, [running, touch]);

  useCommand("focusComposer", () => field.current?.focus());
  useCommand("stop", running && !stopping ? halt : undefined);

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (slash.onKeyDown(event) || event.key !== "Enter" || isComposing(event)) return;
    const withControl = event.ctrlKey || event.metaKey;
    // On a phone Enter is the only way to a new line.
    const wanted = withControl || (preferences.sendKey === "enter" && !touch && !event.shiftKey && !event.altKey);
    if (!wanted) return;
    event.preventDefault();
    send();
  };

  const take = (list: Iterable<File>) => {
    const all = [...list];
    if (all.length > 0 && most > 0) files.add(all);
  };

  const onPaste = (event: ClipboardEvent) => {
    const pasted = [...event.clipboardData.files];
    // A spreadsheet puts a picture of the cells beside their text; the text is meant.
    if (pasted.length === 0 || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    take(pasted);
  };

  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-2">
      {notice}
      {slash.menu}
      {dictation.strip}
      <div
        ref={box}
        role="presentation"
        className={cx(
          "rounded-12 border border-control bg-surface focus-within:border-[var(--focus)] focus-within:shadow-[0_0_0_1px_var(--focus)]",
          unkept && "border-dashed focus-within:border-solid",
        )}
      >
        <AttachmentList items={files.items} onRemove={takeOut} onRetry={files.retry} takes={shown} />
        {files.taken > 0 && bounds !== "" && <p className="px-4 pt-1 text-14 text-muted tabular-nums">{t("attachedOf", { at: files.taken, bounds })}</p>}
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
          placeholder={t(first ? "placeholderStart" : touch ? "placeholderTouch" : preferences.sendKey === "enter" ? "placeholderEnter" : "placeholderCtrlEnter")}
          aria-label={t("words")}
          aria-describedby={noteId}
          {...slash.fieldProps}
          {...dictation.fieldProps}
          className={cx(
            "block max-h-60 w-full field-sizing-content resize-none bg-transparent px-4 pt-3 pb-1 leading-prose [word-break:normal] placeholder:[word-break:auto-phrase] shadow-none! outline-none! [scrollbar-width:thin]",
            first ? "min-h-19" : "min-h-11",
          )}
        />
        <div className="flex flex-wrap items-center gap-1 px-1.5 pb-1.5">
          <input
            ref={picker}
            type="file"
            accept={acceptOf(shown, limits ?? noLimits)}
            multiple
            hidden
            onChange={(event) => {
              take(event.target.files ?? []);
              event.target.value = "";
            }}
          />
          <AttachButton limits={bounds} off={most === 0} onPress={() => picker.current?.click()} />
          {dictation.button}
          {/* On a phone it has a line of its own. */}
          <span id={noteId} className="min-w-0 px-2 text-14 leading-120 text-muted empty:hidden max-md:order-first max-md:basis-full max-md:py-1 md:flex-1 md:truncate md:text-right">
            {reason && !empty ? reason : ""}
          </span>
          <span className={cx("flex-1", reason && !empty && "md:hidden")} />
          {running && (
            <Button size="dense" icon={Square} onPress={halt} isPending={stopping} pendingLabel={t("stopping")}>
              {t("stop")}
            </Button>
          )}
          {running ? (
            !empty &&
            !oneAtATime && (
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
      <RefusalNotes refusals={files.refusals} size={format.bytes(largest)} most={most} />
      {most > 0 && <DropArea onFiles={take} limits={bounds} />}
    </div>
  );
}

/** Opens the file dialog. How much may be attached is said before anything is chosen. */
function AttachButton({ limits, off, onPress }: { limits: string; off: boolean; onPress: () => void }) {
  const { t } = useTranslation("chat");
  const id = useId();
  if (off) {
    return (
      <Button tone="quiet" size="dense" icon={Paperclip} className="text-muted" disabledReason={t("attachOff")}>
        {t("attachFile")}
      </Button>
    );
  }
  const button = (
    <Button tone="quiet" size="dense" icon={Paperclip} className="text-muted" onPress={onPress} {...(limits && { "aria-describedby": id })}>
      {t("attachFile")}
    </Button>
  );
  if (!limits) return button;
  return (
    <>
      <Tip text={limits}>{button}</Tip>
      <span id={id} hidden>
        {limits}
      </span>
    </>
  );
}

function RefusalNotes({ refusals, size, most }: { refusals: readonly Refusal[]; size: string; most: number }) {
  const { t } = useTranslation("chat");
  return (
    // Always there, so that what comes into it is read out.
    <div role="status" className="grid gap-0.5 px-2 text-14 text-warning empty:hidden">
      {refusals.map((refusal, i) => (
        <p key={i}>{`${refusal.name}: ${t(`refused.${refusal.reason}`, { size, count: most })}`}</p>
      ))}
    </div>
  );
}
