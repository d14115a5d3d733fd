import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { announce } from "@/lib/announce";
import { useErrorTextOf } from "@/lib/error-text";
import type { Message } from "./api";

const atOnce = "assertive";

/** Tells those who listen when the answer they waited for has ended, and how. */
export function useAnnouncements(last: Message | undefined) {
  const { t } = useTranslation("chat");
  const errorText = useErrorTextOf();
  const before = useRef<{ id: string; running: boolean }>(undefined);
  useEffect(() => {
    if (last?.role !== "assistant") return;
    const running = last.status === "running";
    const waited = before.current?.id === last.id && before.current.running;
    before.current = { id: last.id, running };
    if (!waited || running) return;
    if (last.status === "failed") {
      const { what, todo } = errorText({ code: last.error?.code ?? "model_failed", params: last.error?.params ?? {}, detail: last.error?.detail ?? "" });
      announce([what, todo].join(" "), atOnce);
    } else announce(last.status === "stopped" ? t("announceStopped") : last.status === "interrupted" ? t("interrupted") : t("announceDone"));
  }, [last, t, errorText]);
}
