import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Switch } from "@/ui/choice";
import { longAnswerMs, markTitle, noticeState, notify, setNotice, watchAnswers } from "./notify";

/** Tells those who went elsewhere that the answer they wait for is done. */
export function Notices() {
  const { t } = useTranslation("shortcuts");
  const client = useQueryClient();
  useEffect(
    () =>
      watchAnswers(client, (tookMs) => {
        if (tookMs < longAnswerMs || !document.hidden) return;
        markTitle();
        notify(t("answerDone"));
      }),
    [client, t],
  );
  return null;
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
