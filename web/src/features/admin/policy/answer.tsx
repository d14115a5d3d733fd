import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CopyButton } from "@/ui/copy-button";
import { Disclosure } from "@/ui/disclosure";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { State, type StateTone } from "@/ui/state";
import { Table, type Column } from "@/ui/table";
import type { Answer, Check, Outcome } from "./api";
import { Findings } from "./document-box";
import { useRegionName } from "./places";
import { Region } from "./region";

type Verdict = Pick<Outcome, "decision" | "resident">;

/** Whether AWS allows it, and whether that is well: allowed and leaving is the worst there is. */
export function verdictOf({ decision, resident }: Verdict): "stays" | "leaves" | "unknown" | "partial" | "denied" {
  if (decision !== "allowed") return decision;
  return resident === "yes" ? "stays" : resident === "no" ? "leaves" : "unknown";
}

const notices = { stays: "success", leaves: "danger", unknown: "danger", partial: "warning", denied: "warning" } as const;
const marks: Record<ReturnType<typeof verdictOf>, StateTone> = { stays: "on", leaves: "stop", unknown: "stop", partial: "wait", denied: "off" };

/** The verdict on one call as a word. */
export function VerdictState({ of }: { of: Verdict }) {
  const { t } = useTranslation("policy");
  const verdict = verdictOf(of);
  return <State tone={marks[verdict]}>{t(`verdict.${verdict}`)}</State>;
}

/** What the simulator answers. */
export function AnswerView({ answer }: { answer: Answer }) {
  const { t } = useTranslation("policy");
  const region = useRegionName();
  const verdict = verdictOf(answer);
  const against = answer.decidedBy ? answer.checks.find((c) => c.number === answer.decidedBy) : undefined;
  const [first, ...rest] = answer.warnings ?? [];
  const warnings = verdict === "leaves" && first?.code.startsWith("leaves") ? rest : (answer.warnings ?? []);
  return (
    <div className="grid gap-6">
      <Notice live tone={notices[verdict]} title={t(`answer.${verdict}`)}>
        <p>{answer.reason.text}</p>
        {against && (
          <ul className="mt-2 list-disc pl-5">
            <li>{against.reason.text}</li>
            {against.hints?.map((hint, i) => <li key={i}>{hint.text}</li>)}
          </ul>
        )}
      </Notice>
      {warnings.length > 0 && (
        <Notice title={t("takeNote")}>
          <ul className="list-disc pl-5">
            {warnings.map((w, i) => (
              <li key={i}>{w.text}</li>
            ))}
          </ul>
        </Notice>
      )}
      {answer.awsMessage && (
        <div className="grid gap-1">
          <div className="flex items-center justify-between gap-2">
            <h3 className="text-16">{t("awsWouldSay")}</h3>
            <CopyButton text={answer.awsMessage} label={t("copyAwsMessage")} words={t("copy")} />
          </div>
          <p className="overflow-x-auto rounded-8 border border-rule bg-surface-raised px-3 py-2 font-mono text-14 break-words">{answer.awsMessage}</p>
        </div>
      )}
      <Section
        title={t("destinations")}
        hint={
          <>
            {answer.anywhere ? t("destinationsAnywhere") : t("destinationsHint")}
            <span className="block">{t("allowedAre", { regions: answer.allowedRegions.map(region).join(t("and")) })}</span>
          </>
        }
      >
        <Destinations answer={answer} />
      </Section>
      <Section title={t("checks")} hint={t("checksHint")}>
        <Checks checks={answer.checks} />
      </Section>
      {answer.findings && answer.findings.length > 0 && (
        <Section title={t("findings")}>
          <Findings list={answer.findings} />
        </Section>
      )}
    </div>
  );
}

interface Destination {
  region: string;
  allowed: boolean;
  resident: boolean;
  check: Check | undefined;
}

/** One row for each Region where the prompt may be processed. */
function destinationsOf(answer: Answer): Destination[] {
  const regions = answer.anywhere ? [...answer.destinations, "unspecified"] : answer.destinations;
  return regions.map((region) => {
    const checks = answer.checks.filter((c) => c.step === "call" && c.requestedRegion === region);
    const check = checks.find((c) => c.decision !== "allowed") ?? checks.at(-1);
    return { region, check, allowed: checks.length > 0 && checks.every((c) => c.decision === "allowed"), resident: answer.allowedRegions.includes(region) };
  });
}

function Destinations({ answer }: { answer: Answer }) {
  const { t } = useTranslation("policy");
  const columns: Column<Destination>[] = [
    { id: "region", header: t("region"), cell: (d) => <div className="py-1.5 leading-150"><Region code={d.region} /></div> },
    {
      id: "decision",
      header: t("decision"),
      cell: (d) => (d.check ? <State tone={d.allowed ? "on" : "off"}>{t(d.allowed ? "allowed" : "denied")}</State> : <State tone="off">{t("notAsked")}</State>),
      width: "w-24",
    },
    { id: "resident", header: t("residency"), cell: (d) => <State tone={d.resident ? "on" : "stop"}>{t(d.resident ? "inside" : "outside")}</State>, width: "w-30" },
  ];
  return <Table flush label={t("destinations")} columns={columns} rows={destinationsOf(answer)} rowKey={(d) => d.region} rowName={(d) => d.region} />;
}

function Checks({ checks }: { checks: Check[] }) {
  const { t } = useTranslation("policy");
  const region = useRegionName();
  const [open, setOpen] = useState(false);
  return (
    <Disclosure title={t("checkCount", { count: checks.length })} isOpen={open} onToggle={setOpen}>
      <ol className="grid gap-3">
        {checks.map((c) => (
          <li key={c.number} className="rounded-8 border border-rule px-4 py-3">
            <div className="flex flex-wrap items-baseline gap-x-3">
              <State tone={c.decision === "allowed" ? "on" : "off"}>{t(c.decision === "allowed" ? "allowed" : "denied")}</State>
              <strong>{t("checkTitle", { number: c.number, action: c.action })}</strong>
              <span className="text-14 text-muted">{region(c.requestedRegion)}</span>
            </div>
            <p className="mt-1 overflow-x-auto font-mono text-14">{c.resource}</p>
            <p className="mt-1 text-14">{c.reason.text}</p>
            {c.hints?.map((hint, i) => (
              <p key={i} className="mt-1 text-14">
                {hint.text}
              </p>
            ))}
          </li>
        ))}
      </ol>
    </Disclosure>
  );
}
