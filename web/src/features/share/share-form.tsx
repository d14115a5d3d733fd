import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import { Checkbox, RadioGroup } from "@/ui/choice";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Select } from "@/ui/select";
import { TextField } from "@/ui/text-field";
import { type ApiError, isAbort, toApiError } from "@/lib/api/error";
import type { Sharing, SharedWith } from "./api";
import { PeoplePicker } from "./people-picker";
import { useShareWords } from "./words";

/** How long something is shared; as it is: the time that stands already. */
type Term = "asItIs" | "day" | "week" | "month" | "quarter" | "date" | "never";

const days = { day: 1, week: 7, month: 30, quarter: 90 };

/** What a person decides about sharing. */
export interface ShareChoice {
  live: boolean;
  everyone: boolean;
  with: SharedWith;
  withSystemPrompt: boolean;
  term: Term;
  /** With the term "date": 2026-12-22, of which the whole day counts. */
  date: string;
}

/** What is chosen of a share that is there, or of one to come. */
const choiceOf = (share: Sharing | undefined): ShareChoice => ({
  live: share?.live ?? false,
  everyone: share?.everyone ?? false,
  with: share?.with ?? { people: [], groups: [] },
  withSystemPrompt: share?.withSystemPrompt ?? false,
  term: share ? (share.expiresAt ? "asItIs" : "never") : "month",
  date: "",
});

/** When sharing ends; undefined: never. */
export function endOf({ term, date }: Pick<ShareChoice, "term" | "date">, share: Sharing | undefined, now = new Date()): string | undefined {
  if (term === "never") return undefined;
  if (term === "asItIs") return share?.expiresAt;
  if (term === "date") return new Date(`${date}T23:59:59`).toISOString();
  return new Date(now.getTime() + days[term] * 86_400_000).toISOString();
}

/** The state of the form: what is chosen, and what is wrong with it. */
export function useShareForm(share: Sharing | undefined, submit: (choice: ShareChoice) => Promise<unknown>) {
  const { t } = useTranslation("share");
  const [choice, setChoice] = useState(() => choiceOf(share));
  const [tried, setTried] = useState(false);
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const nobody = !choice.everyone && choice.with.people.length + choice.with.groups.length === 0;
  const badDate = choice.term === "date" && !(new Date(`${choice.date}T23:59:59`) > new Date());
  return {
    choice,
    set: (patch: Partial<ShareChoice>) => setChoice((old) => ({ ...old, ...patch })),
    errors: { who: tried && nobody ? t("chooseSomebody") : undefined, date: tried && badDate ? t("badDate") : undefined },
    failure,
    pending,
    submit: async () => {
      setTried(true);
      setFailure(null);
      if (nobody || badDate) requestAnimationFrame(() => document.querySelector<HTMLElement>("[role=dialog] [aria-invalid=true]")?.focus());
      if (nobody || badDate || pending) return;
      setPending(true);
      try {
        await submit(choice);
      } catch (error) {
        if (!isAbort(error)) setFailure(toApiError(error));
      } finally {
        setPending(false);
      }
    },
  };
}

interface Props {
  form: ReturnType<typeof useShareForm>;
  /** The one that is changed; none while a new one is made. */
  share: Sharing | undefined;
}

/** What is shared, with whom, and how long. */
export function ShareForm({ form, share }: Props) {
  const { t } = useTranslation("share");
  const words = useShareWords();
  const format = useFormats();
  const { choice, set, errors, failure } = form;
  const end = choice.term === "date" ? undefined : endOf(choice, share);
  const terms: Term[] = [...(share?.expiresAt ? (["asItIs"] as const) : []), "day", "week", "month", "quarter", "date", "never"];
  return (
    <div className="grid gap-5">
      {failure?.code === "resource_exhausted" ? <Notice tone="danger" live title={t("tooMany")}>{t("tooManyHint", { max: failure.params.max ?? "" })}</Notice> : failure && <ErrorNotice error={failure} />}
      {share ? (
        <p className="text-14 text-muted">{words.kind(share)}</p>
      ) : (
        <RadioGroup
          layout="card"
          label={t("what")}
          value={choice.live ? "live" : "snapshot"}
          onChange={(kind) => set({ live: kind === "live" })}
          options={[
            { value: "snapshot", label: t("snapshot"), hint: t("snapshotHint") },
            { value: "live", label: t("live"), hint: t("liveHint") },
          ]}
        />
      )}
      <div className="grid gap-2">
        <RadioGroup
          label={t("who")}
          value={choice.everyone ? "everyone" : "chosen"}
          onChange={(who) => set({ everyone: who === "everyone" })}
          options={[
            { value: "chosen", label: t("chosenOnly") },
            { value: "everyone", label: t("everyone"), hint: t("everyoneHint") },
          ]}
        />
        {!choice.everyone && <PeoplePicker value={choice.with} onChange={(chosen) => set({ with: chosen })} error={errors.who} />}
      </div>
      <div className="grid gap-2">
        <Select
          label={t("term")}
          value={choice.term}
          onChange={(term) => set({ term })}
          hint={end ? t("until", { date: format.dateTime(end) }) : undefined}
          options={terms.map((value) => ({ value, label: t(`terms.${value}`) }))}
        />
        {choice.term === "date" && <TextField type="date" label={t("lastDay")} value={choice.date} onChange={(date) => set({ date })} error={errors.date} />}
      </div>
      <Checkbox isSelected={choice.withSystemPrompt} onChange={(on) => set({ withSystemPrompt: on })} hint={t("withSystemPromptHint")}>
        {t("withSystemPrompt")}
      </Checkbox>
    </div>
  );
}
