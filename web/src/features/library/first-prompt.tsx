import { useQuery } from "@tanstack/react-query";
import { useCallback, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, TextButton, TextLink } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { Bar, Skeleton } from "@/ui/skeleton";
import { firstQuery } from "./api";
import { ChooseDialog } from "./system-prompt-tools";
import { usePromptText } from "./use-prompt";

interface LineProps {
  /** The prompt with which new conversations begin. */
  id: string;
  /** The instructions as they will be sent. */
  text: string;
  /** They are not those of the prompt: chosen or written for this conversation. */
  own: boolean;
  onChange: (text: string) => void;
}

/** Under the field of a new conversation: with which instructions it will begin. */
export function FirstPromptLine({ id, text, own, onChange }: LineProps) {
  const { t } = useTranslation("library");
  const { t: ui } = useTranslation("ui");
  const first = useQuery(firstQuery(own ? "" : id));
  const fill = usePromptText(t("put"), useCallback((filled: string) => onChange(filled), [onChange]));
  const state = own ? undefined : first.data;
  const line = (words: string, act: React.ReactNode) => (
    <p className="flex flex-wrap items-center gap-x-3 px-2 text-14 text-muted">
      <span className="min-w-0">{words}</span>
      {act}
    </p>
  );
  return (
    <>
      {text !== ""
        ? line(state?.state === "ready" ? t("startsWithNamed", { name: state.name }) : t("startsWith"), <TextButton onPress={() => onChange("")}>{t("takeOut")}</TextButton>)
        : state?.state === "asks"
          ? line(t("startsAsks", { name: state.name }), <TextButton onPress={() => void fill.take(id)}>{t("startsFill")}</TextButton>)
          : state?.state === "gone"
            ? line(
                t("startsGone"),
                <TextLink to="/settings" hash="conversation">
                  {t("startsChange")}
                </TextLink>,
              )
            : !own && first.isError && line(t("startsFailed"), <TextButton onPress={() => void first.refetch()}>{ui("retry")}</TextButton>)}
      {fill.dialog}
    </>
  );
}

/** The setting: the instructions with which new conversations begin. */
export function FirstPromptSetting({ value, onChange }: { value: string; onChange: (id: string) => void }) {
  const { t } = useTranslation("library");
  const label = useId();
  const first = useQuery(firstQuery(value));
  const [choosing, setChoosing] = useState(false);
  return (
    <div role="group" aria-labelledby={label} className="grid gap-1.5">
      <span id={label} className="font-bold">
        {t("first")}
      </span>
      <p className="text-14 text-muted">{t("firstHint")}</p>
      {value !== "" && first.isPending ? (
        <Skeleton>
          <Bar className="w-64" />
        </Skeleton>
      ) : first.error ? (
        <ErrorNotice error={first.error} onRetry={() => void first.refetch()} />
      ) : (
        <p className="min-w-0">
          {!first.data ? t("firstNone") : first.data.state === "gone" ? <span className="text-danger">{t("firstGone")}</span> : first.data.name}
          {first.data?.state === "asks" && <span className="block text-14 text-muted">{t("firstAsks")}</span>}
        </p>
      )}
      <div className="mt-1 flex flex-wrap gap-2">
        <Button size="dense" onPress={() => setChoosing(true)}>
          {t(value === "" ? "firstChoose" : "firstChange")}
        </Button>
        {value !== "" && (
          <Button size="dense" onPress={() => onChange("")}>
            {t("firstRemove")}
          </Button>
        )}
      </div>
      {choosing && (
        <ChooseDialog
          onClose={() => setChoosing(false)}
          onChoose={(id) => {
            setChoosing(false);
            onChange(id);
          }}
        />
      )}
    </div>
  );
}
