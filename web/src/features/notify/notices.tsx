import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "@/lib/api/types";
import { Switch } from "@/ui/choice";
import { longAnswerMs, markTitle, noticeState, notify, setNotice, watchAnswers } from "./notify";

function useTellEnd() {
  const { t } = useTranslation("shortcuts");
  return useCallback(
    (tookMs: number) => {
      if (tookMs < longAnswerMs || !document.hidden) return;
      markTitle();
      notify(t("answerDone"));
    },
    [t],
  );
}

/** Tells those who went elsewhere that the answer they wait for is done. */
export function Notices() {
  const client = useQueryClient();
  const tellEnd = useTellEnd();
  useEffect(() => watchAnswers(client, tellEnd), [client, tellEnd]);
  return null;
}

/** The same for the last message of a conversation that only its page knows. */
export function useNoticeOf(last: Schemas["Message"] | undefined) {
  const tellEnd = useTellEnd();
  const waitedFor = useRef("");
  useEffect(() => {
    if (last?.role !== "assistant") return;
    if (last.status === "running") waitedFor.current = last.id;
    else if (waitedFor.current === last.id) {
      waitedFor.current = "";
      tellEnd((last.finishedAt ? Date.parse(last.finishedAt) : Date.now()) - Date.parse(last.createdAt));
    }
  }, [last, tellEnd]);
}

/** The person's choice, for this browser. */
export function NoticeSetting() {
  const { t } = useTranslation("shortcuts");
  const [state, setState] = useState(noticeState);
  const hint = state === "impossible" ? t("noticeImpossible") : state === "denied" ? t("noticeDenied") : t("noticeHint");
  return (
    <Switch isSelected={state === "on"} isDisabled={state === "impossible" || state === "denied"} onChange={(on) => void setNotice(on).then(setState)} hint={hint}>
      {t("notice")}
    </Switch>
  );
}
