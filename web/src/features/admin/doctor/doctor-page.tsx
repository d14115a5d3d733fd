import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Check, CircleAlert, CircleHelp, Minus, Stethoscope, TriangleAlert, type LucideIcon } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { announce } from "@/lib/announce";
import { isAbort, toApiError, type ApiError } from "@/lib/api/error";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import { Button, TextButton } from "@/ui/button";
import { Checkbox } from "@/ui/choice";
import { CopyButton } from "@/ui/copy-button";
import { Empty } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { Icon } from "@/ui/icon";
import { Notice } from "@/ui/notice";
import { Page, Scroll, Section } from "@/ui/page";
import { Select } from "@/ui/select";
import { connectionsQuery } from "../connections/api";
import { type Step, examine } from "./api";
import { type Group, counts, grouped, useStepWords } from "./words";

/** What there is of an examination. */
interface Examination {
  steps: Step[];
  state: "running" | "done" | "stopped" | "cut";
  at: Date;
}

/** Examines the installation and shows each step as it comes. */
export function DoctorPage() {
  const { t } = useTranslation("doctor");
  const { connection = "" } = useSearch({ from: "/admin/doctor" });
  const navigate = useNavigate({ from: "/admin/doctor" });
  const connections = useQuery(connectionsQuery);
  const [quick, setQuick] = useState(false);
  const [outside, setOutside] = useState(false);
  const [found, setFound] = useState<Examination | null>(null);
  const [refusal, setRefusal] = useState<ApiError | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []); // leaving the page ends it, at the server too

  async function run() {
    const control = new AbortController();
    running.current?.abort();
    running.current = control;
    setRefusal(null);
    setFound({ steps: [], state: "running", at: new Date() });
    const seen: Step[] = [];
    const end = (state: Examination["state"]) => {
      if (running.current !== control) return;
      running.current = null;
      setFound((f) => f && { ...f, state });
      const { failed, warning } = counts(seen);
      announce(state === "done" ? (failed > 0 ? t("someFail") : warning > 0 ? t("someWarn") : t("allWell")) : t(state === "cut" ? "cut" : "stopped"));
    };
    try {
      const whole = await examine({ connectionId: connection || undefined, quick: quick || undefined, outside: (outside && !connection) || undefined }, control.signal, (step) => {
        seen.push(step);
        setFound((f) => f && { ...f, steps: [...seen] });
      });
      end(whole ? "done" : "cut");
    } catch (error) {
      if (isAbort(error) || control.signal.aborted) {
        end("stopped");
        return;
      }
      running.current = null;
      setFound(null);
      setRefusal(toApiError(error));
    }
  }

  const isRunning = found?.state === "running";
  const options = [{ value: "", label: t("everything") }, ...(connections.data?.items ?? []).map((c) => ({ value: c.id, label: c.name }))];
  return (
    <Page title={t("title")} actions={found && !isRunning && <Copies found={found} />}>
      <Scroll>
        <div className="grid w-full max-w-[60rem] gap-6 px-6 pt-2 pb-16 max-md:px-4">
          <p className="text-14 text-muted">{t("hint")}</p>
          {connections.error && <ErrorNotice error={connections.error} onRetry={() => void connections.refetch()} />}
          <div className="grid gap-3 rounded-8 border border-rule bg-surface p-4">
            <Select
              label={t("what")}
              value={connection}
              onChange={(id) => void navigate({ search: { connection: id || undefined }, replace: true })}
              options={options}
              isDisabled={isRunning}
            />
            <Checkbox isSelected={quick} onChange={setQuick} isDisabled={isRunning} hint={t("quickHint")}>
              {t("quick")}
            </Checkbox>
            {connection === "" && (
              <Checkbox isSelected={outside} onChange={setOutside} isDisabled={isRunning} hint={t("outsideHint")}>
                {t("outside")}
              </Checkbox>
            )}
            <div>
              {isRunning ? (
                <Button onPress={() => running.current?.abort()}>{t("stop")}</Button>
              ) : (
                <Button tone="primary" icon={Stethoscope} onPress={() => void run()}>
                  {t("run")}
                </Button>
              )}
            </div>
          </div>
          {refusal && <ErrorNotice error={refusal} onRetry={() => void run()} />}
          {found ? (
            <Findings found={found} off={new Set(connections.data?.items.filter((c) => !c.enabled).map((c) => c.id))} />
          ) : (
            !refusal && (
              <Empty icon={Stethoscope} title={t("empty")}>
                {t("emptyHint")}
              </Empty>
            )
          )}
        </div>
      </Scroll>
    </Page>
  );
}

function Findings({ found, off }: { found: Examination; off: ReadonlySet<string> }) {
  const { t } = useTranslation("doctor");
  const format = useFormats();
  const { failed, warning, ok } = counts(found.steps);
  const said = t("summary.counts", { failed: format.number(failed), warning: format.number(warning), ok: format.number(ok) });
  return (
    <div>
      {found.state === "running" ? (
        <p className="mb-6 text-14 text-muted tabular-nums">{format.facts(`${t("running")}…`, said)}</p>
      ) : found.state === "done" ? (
        <Notice className="mb-6" tone={failed > 0 ? "danger" : warning > 0 ? "warning" : "success"} title={failed > 0 ? t("someFail") : warning > 0 ? t("someWarn") : t("allWell")}>
          {said}
          <Wrong steps={found.steps} />
        </Notice>
      ) : (
        <Notice className="mb-6" tone="warning" title={t(found.state)}>
          {found.state === "cut" ? t("cutHint") : said}
        </Notice>
      )}
      {grouped(found.steps).map((group) => (
        <Findable key={group.key} group={group} off={off.has(group.id)} />
      ))}
    </div>
  );
}

/** How much of what is wrong is named at once; after a cut cable every connection fails. */
const firstWrong = 8;

/** The way to what is wrong, which may stand far below. */
function Wrong({ steps }: { steps: Step[] }) {
  const { t } = useTranslation("doctor");
  const words = useStepWords();
  const [all, setAll] = useState(false);
  const wrong = steps.map((step, i) => ({ step, i })).filter(({ step }) => step.status === "failed" || step.status === "warning");
  wrong.sort((a, b) => Number(b.step.status === "failed") - Number(a.step.status === "failed"));
  if (wrong.length === 0) return null;
  const show = (i: number) => {
    const place = document.getElementById(placeOf(i));
    place?.scrollIntoView({ block: "center" });
    place?.focus({ preventScroll: true });
  };
  return (
    <ul className="mt-1 grid gap-0.5">
      {wrong.slice(0, all ? undefined : firstWrong).map(({ step, i }) => (
        <li key={i}>
          <TextButton onPress={() => show(i)} className="text-left [overflow-wrap:anywhere]">
            {step.connectionName ? t("wrongOf", { name: step.connectionName, what: words(step).what || words(step).name }) : words(step).what || words(step).name}
          </TextButton>
        </li>
      ))}
      {!all && wrong.length > firstWrong && (
        <li>
          <Button size="dense" className="mt-1" onPress={() => setAll(true)}>
            {t("wrongMore", { count: wrong.length - firstWrong })}
          </Button>
        </li>
      )}
    </ul>
  );
}

const placeOf = (i: number) => `step-${i}`;

function Findable({ group, off }: { group: Group; off: boolean }) {
  const { t } = useTranslation("doctor");
  return (
    <Section hint={off && t("off")} title={group.group === "connection" ? t("group.connection", { name: group.name }) : t(`group.${group.group}`)}>
      <ol className="grid rounded-8 border border-rule">
        {group.steps.map((step, i) => (
          <Finding key={i} step={step} place={placeOf(group.from + i)} />
        ))}
      </ol>
    </Section>
  );
}

const marks: Record<Step["status"], { icon: LucideIcon; colour: string; box: string }> = {
  ok: { icon: Check, colour: "text-success", box: "" },
  warning: { icon: TriangleAlert, colour: "text-warning", box: "bg-warning-soft" },
  failed: { icon: CircleAlert, colour: "text-danger", box: "bg-danger-soft" },
  unknown: { icon: CircleHelp, colour: "text-muted", box: "" },
  skipped: { icon: Minus, colour: "text-muted", box: "" },
};

function Finding({ step, place }: { step: Step; place: string }) {
  const { t } = useTranslation("doctor");
  const format = useFormats();
  const words = useStepWords()(step);
  const { icon, colour, box } = marks[step.status];
  const wrong = step.status === "failed" || step.status === "warning";
  return (
    <li id={place} tabIndex={-1} className={cx("flex gap-3 border-t border-rule px-4 py-2.5 text-14 first:border-t-0", box)}>
      <Icon of={icon} className={cx("mt-px flex-none", colour)} />
      <div className="grid min-w-0 flex-1 gap-1">
        <p className="flex flex-wrap items-baseline justify-between gap-x-3">
          <span className="min-w-0">
            <span className={cx("mr-2 inline-block", wrong && "font-bold")}>{words.name}</span>
            <span className="sr-only">{t(`status.${step.status}`)}</span>
            {step.target && <span className="inline-block max-w-full text-muted [overflow-wrap:anywhere]">{step.target}</span>}
          </span>
          {step.elapsedMs > 0 && <span className="text-muted tabular-nums">{t("milliseconds", { formatted: format.number(step.elapsedMs) })}</span>}
        </p>
        {words.what && (
          <div className={cx("grid gap-0.5 leading-[1.6] [overflow-wrap:anywhere]", !wrong && "text-muted")}>
            <p className={cx(wrong && "font-bold")}>{words.what}</p>
            {words.cause && <p>{words.cause}</p>}
            {words.remedy && (
              <p>
                {wrong && <b>{t("fixLabel")} </b>}
                {words.remedy}
              </p>
            )}
          </div>
        )}
        {words.facts.length > 0 && (
          <dl className="flex flex-wrap gap-x-4 gap-y-0.5 text-muted">
            {words.facts.map((fact, i) => (
              <div key={i} className="[overflow-wrap:anywhere]">
                <dt className="inline">{fact.name} </dt>
                <dd className="inline text-default">{fact.value}</dd>
              </div>
            ))}
          </dl>
        )}
        {wrong && step.detail && (
          <p lang="en" className="font-mono text-14 text-muted [overflow-wrap:anywhere]">
            {step.detail}
          </p>
        )}
      </div>
    </li>
  );
}

/** What was found, for whoever is asked for help. */
function Copies({ found }: { found: Examination }) {
  const { t } = useTranslation("doctor");
  const format = useFormats();
  const words = useStepWords();
  const asText = () => {
    const lines = [`Kakoi ${t("title")} ${format.dateTime(found.at.toISOString())}`];
    for (const group of grouped(found.steps)) {
      lines.push("", group.group === "connection" ? t("group.connection", { name: group.name }) : t(`group.${group.group}`));
      for (const step of group.steps) {
        const said = words(step);
        lines.push(`  ${t(`mark.${step.status}`)} ${said.name}${step.target ? `  ${step.target}` : ""}`);
        for (const line of [said.what, said.cause, said.remedy]) if (line) lines.push(`      ${line}`);
        for (const fact of said.facts) lines.push(`      ${fact.name}: ${fact.value}`);
        if (step.code && step.detail) lines.push(`      ${step.detail}`);
      }
    }
    return `${lines.join("\n")}\n`;
  };
  const asJson = () => `${JSON.stringify({ version: 1, at: found.at.toISOString(), state: found.state, summary: counts(found.steps), steps: found.steps }, null, 2)}\n`;
  return (
    <>
      <CopyButton text={asText} label={format.facts(t("copyText"), t("copyHint"))} words={t("copyText")} />
      <CopyButton text={asJson} label={format.facts(t("copyJson"), t("copyHint"))} words={t("copyJson")} />
    </>
  );
}
