import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, type RefObject, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { modelsQuery } from "@/features/account/api";
import { announce } from "@/lib/announce";
import { ApiError } from "@/lib/api/error";
import { canRecord } from "@/lib/can-record";
import { type Confidentiality, takesClass } from "@/lib/confidentiality";
import { useCommand } from "@/lib/commands";
import { useMediaQuery } from "@/lib/use-media-query";
import { transcribe } from "./api";
import { Dictation } from "./dictation";
import { DictationButton, DictationStrip } from "./dictation-strip";
import { secondsIn, withWords } from "./speech";

interface Options {
  /** Whose draft the words are for. */
  conversationId: string;
  confidentiality: Confidentiality;
  field: RefObject<HTMLTextAreaElement | null>;
  change: (make: (text: string) => string) => void;
}

interface Dictating {
  /** What was said is not yet text. */
  busy: boolean;
  /** Nothing where nobody listens. */
  button: ReactNode;
  strip: ReactNode;
  /** For the field: its words are left alone while an input method is at work. */
  fieldProps: { onCompositionStart: () => void; onCompositionEnd: () => void };
}

/** Speaking instead of writing: the words come to the caret, and are sent by nobody but the person. */
export function useDictation({ conversationId, confidentiality, field, change }: Options): Dictating {
  const { t, i18n } = useTranslation("chat");
  const listener = useQuery(modelsQuery).data?.transcriber;
  const transcriber = listener && takesClass(listener, confidentiality) ? listener : undefined;
  const [dictation] = useState(() => new Dictation());
  const step = useSyncExternalStore(dictation.subscribe, dictation.getSnapshot);
  const client = useQueryClient();
  const touch = useMediaQuery("(pointer: coarse)");
  const composing = useRef(false);
  const waiting = useRef("");
  const most = transcriber ? Math.min(transcriber.maxSeconds, secondsIn(transcriber.maxBytes)) : 0;

  // The button under the focus goes; on a phone the keyboard would come unasked.
  const toField = () => {
    if (!touch) field.current?.focus();
  };
  const insert = (words: string) => {
    if (composing.current) {
      waiting.current += words;
      return;
    }
    const box = field.current;
    let caret = 0;
    change((text) => {
      const put = withWords(text, box && box.value === text ? box.selectionEnd : text.length, words);
      caret = put.caret;
      return put.text;
    });
    announce(t("dictation.announceDone"));
    requestAnimationFrame(() => {
      toField();
      box?.setSelectionRange(caret, caret);
    });
  };
  const latest = useRef(insert);
  useEffect(() => {
    latest.current = insert;
  });

  const start = () => {
    if (!transcriber) return;
    const { id: modelId } = transcriber;
    const language = i18n.language;
    const listen = async (sound: Blob, signal: AbortSignal) => {
      try {
        // By name: what is said goes where it was shown to go, or nowhere.
        return await transcribe(sound, { modelId, language, ...(confidentiality && { class: confidentiality }) }, signal);
      } catch (error) {
        if (error instanceof ApiError && error.code === "model_unavailable") void client.invalidateQueries({ queryKey: modelsQuery.queryKey });
        throw error;
      }
    };
    void dictation.start(most, listen, (words) => latest.current(words));
  };
  const cancel = () => {
    const spoken = step.name === "recording" || step.name === "transcribing" || step.name === "failed";
    dictation.cancel();
    if (spoken) announce(t("dictation.announceCancelled"));
    toField();
  };
  const finish = () => {
    dictation.finish();
    toField();
  };

  // Another conversation is another draft; who leaves has stopped speaking.
  useEffect(() => () => dictation.cancel(), [dictation, conversationId]);

  const shown = step.name;
  const cut = step.name === "transcribing" && step.cut;
  useEffect(() => {
    if (shown === "recording") announce(t("dictation.announceRecording"));
    if (shown === "transcribing") announce(cut ? `${t("dictation.cut")} ${t("dictation.working")}` : t("dictation.working"));
  }, [shown, cut, t]);

  const active = shown !== "idle";
  const giveUp = useRef(cancel);
  useEffect(() => {
    giveUp.current = cancel;
  });
  useEffect(() => {
    if (!active) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
      if (event.target instanceof Element && event.target.closest("[role=dialog],[role=alertdialog]")) return;
      event.preventDefault();
      giveUp.current();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [active]);

  const here = transcriber !== undefined && canRecord();
  useCommand("dictate", here ? () => (shown === "recording" ? finish() : start()) : undefined);

  return {
    busy: shown === "asking" || shown === "recording" || shown === "transcribing",
    button: here && (shown === "idle" || shown === "trouble") && <DictationButton transcriber={transcriber} most={most} onPress={start} />,
    strip: <DictationStrip step={step} transcriber={transcriber} most={most} onFinish={finish} onCancel={cancel} onAgain={start} onRetry={() => {
          dictation.retry();
          toField();
        }} />,
    fieldProps: {
      onCompositionStart: () => {
        composing.current = true;
      },
      onCompositionEnd: () => {
        composing.current = false;
        const words = waiting.current;
        waiting.current = "";
        // The field still holds what the input method has just written.
        if (words) setTimeout(() => latest.current(words), 0);
      },
    },
  };
}
