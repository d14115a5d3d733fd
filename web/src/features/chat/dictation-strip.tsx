import { Mic, Square, X } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toApiError } from "@/lib/api/error";
import type { Transcriber } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { useFormats } from "@/lib/format";
import { usePlaceText } from "@/lib/place";
import { useMediaQuery } from "@/lib/use-media-query";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { Kbd } from "@/ui/kbd";
import { Notice } from "@/ui/notice";
import { Tip } from "@/ui/tooltip";
import type { Step } from "./dictation";

/** Begins a dictation. Where what is said goes, and how much may be said, is told before. */
export function DictationButton({ transcriber, most, onPress }: { transcriber: Transcriber; most: number; onPress: () => void }) {
  const { t } = useTranslation("chat");
  const format = useFormats();
  const id = useId();
  const place = usePlaceText()(transcriber.place);
  const hint = t("dictation.hint", { model: transcriber.displayName, place, limit: format.duration(most * 1000) });
  return (
    <>
      <Tip text={hint}>
        <Button tone="quiet" size="dense" icon={Mic} className="text-muted" onPress={onPress} aria-describedby={id}>
          <span className="max-md:sr-only">{t("dictation.act")}</span>
        </Button>
      </Tip>
      <span id={id} hidden>
        {hint}
      </span>
    </>
  );
}

interface Props {
  step: Step;
  transcriber: Transcriber | undefined;
  most: number;
  onFinish: () => void;
  onCancel: () => void;
  /** Speaks again. */
  onAgain: () => void;
  /** Sends the same again. */
  onRetry: () => void;
}

/** How far a dictation is, and what can be done about it. */
export function DictationStrip({ step, transcriber, most, onFinish, onCancel, onAgain, onRetry }: Props) {
  const { t } = useTranslation("chat");
  const placeText = usePlaceText();
  const finish = useRef<HTMLButtonElement>(null);
  const touch = useMediaQuery("(pointer: coarse)");
  const recording = step.name === "recording";
  useEffect(() => {
    // The button that began it is gone; the same key ends it.
    if (recording) finish.current?.focus();
  }, [recording]);

  switch (step.name) {
    case "idle":
      return null;
    case "trouble":
      return (
        <Notice
          tone="warning"
          live
          title={t(`dictation.${step.trouble}.what`)}
          actions={
            <>
              <Button size="dense" icon={Mic} onPress={onAgain}>
                {t("dictation.again")}
              </Button>
              <Button size="dense" tone="quiet" onPress={onCancel}>
                {t("dictation.close")}
              </Button>
            </>
          }
        >
          {t(`dictation.${step.trouble}.todo`)}
        </Notice>
      );
    case "failed":
      return <Failed error={step.error} onRetry={onRetry} onCancel={onCancel} />;
  }
  return (
    <div role="group" aria-label={t("dictation.act")} className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-8 border border-rule bg-surface-raised px-3 py-2 text-14">
      {recording && <span aria-hidden="true" className="dictation-mark" />}
      <span className="font-bold">{t(step.name === "asking" ? "dictation.asking" : recording ? "dictation.recording" : "dictation.working")}</span>
      {recording && <Clock since={step.since} most={most} />}
      {recording && transcriber && (
        <span className="min-w-0 text-muted max-md:basis-full md:truncate">{t("dictation.where", { model: transcriber.displayName, place: placeText(transcriber.place) })}</span>
      )}
      {step.name === "transcribing" && step.cut && <span className="text-muted">{t("dictation.cut")}</span>}
      {step.name === "asking" && <span className="text-muted">{t("dictation.askingHint")}</span>}
      <span className="ml-auto flex flex-wrap items-center gap-2">
        <Button size="dense" tone="quiet" icon={X} onPress={onCancel} aria-keyshortcuts="Escape">
          {t("dictation.cancel")}
          {!touch && <Kbd>Esc</Kbd>}
        </Button>
        {recording && (
          <Button ref={finish} size="dense" tone="primary" icon={Square} onPress={onFinish}>
            {t("dictation.finish")}
          </Button>
        )}
      </span>
    </div>
  );
}

/** How long it has lasted, of how long it may. */
function Clock({ since, most }: { since: number; most: number }) {
  const { t } = useTranslation("chat");
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const at = Math.min(most, Math.max(0, Math.floor((now - since) / 1000)));
  return (
    <span role="timer" aria-label={t("dictation.clock")} className="text-muted tabular-nums">
      {`${clock(at)} / ${clock(most)}`}
    </span>
  );
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Why the server could not, with what was said still here. */
function Failed({ error, onRetry, onCancel }: { error: unknown; onRetry: () => void; onCancel: () => void }) {
  const { t } = useTranslation("chat");
  const { t: ui } = useTranslation("ui");
  const failure = toApiError(error);
  const text = useErrorTextOf()(failure);
  return (
    <Notice
      tone="danger"
      live
      title={t("dictation.failed.what")}
      actions={
        <>
          <Button size="dense" onPress={onRetry}>
            {t("dictation.retry")}
          </Button>
          <Button size="dense" tone="quiet" onPress={onCancel}>
            {t("dictation.discard")}
          </Button>
          {failure.requestId !== "" && failure.status >= 500 && (
            <span className="inline-flex flex-wrap items-center gap-x-1 text-14 text-muted">
              {ui("requestId")} <code className="font-mono">{failure.requestId}</code>
              <CopyButton text={failure.requestId} label={ui("copyRequestId")} />
            </span>
          )}
        </>
      }
    >
      {t("dictation.failed.todo", { what: text.what })}
    </Notice>
  );
}
