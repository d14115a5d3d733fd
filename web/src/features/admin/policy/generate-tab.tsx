import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Connection, Locale } from "@/lib/api/types";
import { downloadText } from "@/lib/download";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { CheckboxGroup } from "@/ui/choice";
import { Disclosure } from "@/ui/disclosure";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { Combobox, Select } from "@/ui/select";
import { Bar, Skeleton } from "@/ui/skeleton";
import { Badge } from "@/ui/state";
import { Table, type Column } from "@/ui/table";
import { TextArea, TextField } from "@/ui/text-field";
import { connectionsQuery } from "../connections/api";
import { catalogueQuery } from "../models/api";
import { VerdictState, verdictOf } from "./answer";
import { type Approach, generate, type Generated, type GeneratedDocument, type Outcome, type Question } from "./api";
import { DocumentBox, Findings } from "./document-box";
import { Failure } from "./failure";
import { knownRegions, useRegionName } from "./places";
import { wordsOf } from "./question";
import { Region } from "./region";

/** The same in every language. */
const examples = { caller: "arn:aws:iam::111111111111:role/workplace", role: "arn:aws:iam::222222222222:role/bedrock", model: "jp.anthropic.claude-haiku-4-5-20251001-v1:0", governed: "ap-northeast-1", allowed: "ap-northeast-1, ap-northeast-3" };

const offered = ["Converse", "ConverseStream", "CountTokens", "Rerank", "ListFoundationModels", "ListInferenceProfiles"] as const;

interface Values {
  connection: string;
  caller: string;
  role: string;
  externalId: string;
  region: string;
  models: string;
  operations: string[];
  governed: string;
  allowed: string;
}

/** What was written, and for what. */
export interface Written {
  values: Values;
  made: Generated;
}

interface Props {
  written: Written | undefined;
  onWritten: (written: Written | undefined) => void;
  onTry: (question: Question) => void;
}

/** The exact policies for a connection, on both sides. */
export function GenerateTab(props: Props) {
  const { t } = useTranslation("policy");
  const connections = useQuery(connectionsQuery);
  const catalogue = useQuery(catalogueQuery);
  if (connections.isPending || catalogue.isPending) {
    return (
      <Skeleton>
        <div className="grid gap-4">
          <Bar className="w-1/3" />
          <Bar className="h-12 w-full" />
          <Bar className="h-12 w-full" />
        </div>
      </Skeleton>
    );
  }
  if (!connections.data || !catalogue.data) return <ErrorNotice error={connections.error ?? catalogue.error} onRetry={() => void Promise.all([connections.refetch(), catalogue.refetch()])} />;
  const bedrock = connections.data.items.filter((c) => c.kind === "bedrock");
  const modelsOf = (id: string) => catalogue.data.items.filter((m) => m.connectionId === id && m.enabled).map((m) => m.remoteId);
  return (
    <div className="grid gap-8">
      {bedrock.length === 0 && <Notice>{t("noConnection")}</Notice>}
      <GenerateForm bedrock={bedrock} modelsOf={modelsOf} {...props} />
    </div>
  );
}

function GenerateForm({ bedrock, modelsOf, written, onWritten, onTry }: Props & { bedrock: Connection[]; modelsOf: (id: string) => string[] }) {
  const { t, i18n } = useTranslation("policy");
  const first = bedrock[0];
  const form = useForm<Values>({
    initial: written?.values ?? {
      connection: first?.id ?? "", caller: "", role: "", externalId: "", region: first?.settings.region ?? "ap-northeast-1",
      models: first ? modelsOf(first.id).join("\n") : "", operations: ["Converse", "ConverseStream"], governed: "", allowed: "",
    },
    submit: async (v) => {
      onWritten(undefined);
      const made = await generate(
        v.connection,
        {
          version: 1, principal: { arn: v.caller.trim() }, operations: v.operations, models: wordsOf(v.models),
          ...(v.connection ? {} : { regions: wordsOf(v.region), chain: v.role.trim() ? [{ roleArn: v.role.trim(), externalId: v.externalId.trim() || undefined }] : [] }),
          governedRegions: wordsOf(v.governed), allowedRegions: wordsOf(v.allowed),
        },
        i18n.language as Locale,
      );
      onWritten({ values: v, made });
    },
  });
  const { values, set } = form;
  const choose = (id: string) => {
    set("connection", id);
    if (id) set("models", modelsOf(id).join("\n"));
  };
  return (
    <>
      <form {...form.form} className="grid">
        <Section title={t("whatFor")} hint={t("whatForHint")}>
          <div className="grid gap-4">
            <Select
              label={t("connection")}
              value={values.connection || "none"}
              onChange={(id) => choose(id === "none" ? "" : id)}
              options={[...bedrock.map((c) => ({ value: c.id, label: c.name, hint: c.settings.region })), { value: "none", label: t("withoutConnection") }]}
            />
            <TextField label={t("caller")} hint={t("callerOfCredentials")} placeholder={examples.caller} value={values.caller} onChange={(v) => set("caller", v)} mono autoComplete="off" />
            {!values.connection && (
              <div className="grid grid-cols-2 items-start gap-4 max-md:grid-cols-1">
                <TextField label={t("roleArn")} optional hint={t("roleHint")} placeholder={examples.role} value={values.role} onChange={(v) => set("role", v)} mono autoComplete="off" />
                <TextField label={t("externalId")} optional value={values.externalId} onChange={(v) => set("externalId", v)} mono autoComplete="off" />
                <Combobox label={t("regionCalled")} value={values.region} onChange={(v) => set("region", v)} options={knownRegions} />
              </div>
            )}
            <TextArea label={t("models")} hint={t("modelsHint")} rows={2} mono spellCheck="false" placeholder={examples.model} value={values.models} onChange={(v) => set("models", v)} />
            <CheckboxGroup label={t("operations")} value={values.operations} onChange={(v) => set("operations", v)} options={offered.map((value) => ({ value, label: t(`op.${value}`) }))} />
            <div className="grid grid-cols-2 items-start gap-4 max-md:grid-cols-1">
              <TextField label={t("allowedRegions")} optional hint={t("allowedRegionsHint")} placeholder={examples.allowed} value={values.allowed} onChange={(v) => set("allowed", v)} mono autoComplete="off" />
              <TextField label={t("governed")} optional hint={t("governedHint")} placeholder={examples.governed} value={values.governed} onChange={(v) => set("governed", v)} mono autoComplete="off" />
            </div>
          </div>
        </Section>
        <div className="flex flex-wrap items-center gap-4">
          <Button type="submit" tone="primary" isPending={form.pending} pendingLabel={t("generating")} disabledReason={!values.caller.trim() ? t("callerFirst") : values.operations.length === 0 && t("operationFirst")}>
            {t("generate")}
          </Button>
          <p className="text-14 text-muted">{t("awsIsNotAsked")}</p>
        </div>
      </form>
      {form.failure && <Failure error={form.failure} />}
      {written && <Made made={written.made} onTry={onTry} />}
    </>
  );
}

function Made({ made, onTry }: { made: Generated; onTry: (question: Question) => void }) {
  const { t } = useTranslation("policy");
  const region = useRegionName();
  const verdict = verdictOf({ decision: "allowed", resident: made.resident });
  const places = made.anywhere ? t("anywhere") : made.destinations.map(region).join(t("and"));
  const needed = made.documents.filter((d) => !d.optional);
  const optional = made.documents.filter((d) => d.optional);
  const [open, setOpen] = useState(false);
  const sides = (["caller", "between", "provider"] as const).map((side) => ({ side, documents: needed.filter((d) => d.side === side) })).filter((s) => s.documents.length > 0);
  return (
    <section aria-label={t("made")} className="grid gap-6 border-t border-rule pt-8">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="text-18">{t("made")}</h2>
        <div className="flex flex-wrap gap-2">
          <Button size="dense" onPress={() => onTry(made.question)}>
            {t("tryThem")}
          </Button>
          <Button size="dense" icon={Download} onPress={() => downloadText("kakoi-policies.json", "application/json", `${JSON.stringify(made, null, 2)}\n`)}>
            {t("downloadAll")}
          </Button>
        </div>
      </div>
      <Notice live tone={verdict === "stays" ? "success" : "danger"} title={t(verdict === "stays" ? "madeStays" : "madeLeaves")}>
        <p>{t("processedIn", { places })}</p>
        <p>{t("allowedAre", { regions: made.allowedRegions.map(region).join(t("and")) })}</p>
      </Notice>
      {made.notes && made.notes.length > 0 && (
        <Notice title={t("takeNote")}>
          <ul className="list-disc pl-5">
            {made.notes.map((n, i) => (
              <li key={i}>{n.text}</li>
            ))}
          </ul>
        </Notice>
      )}
      <div className={sides.length > 1 ? "grid grid-cols-2 items-start gap-6 max-lg:grid-cols-1" : "grid gap-6"}>
        {sides.map(({ side, documents }) => (
          <div key={side} className="grid min-w-0 gap-4">
            <h3 className="text-16">{t("sideAccount", { side: t(`side.${side}`), account: documents[0]?.account ?? "" })}</h3>
            {documents.map((d) => (
              <DocumentCard key={`${d.account}${d.name}`} of={d} />
            ))}
          </div>
        ))}
      </div>
      {optional.length > 0 && (
        <Disclosure title={t("optional", { count: optional.length })} isOpen={open} onToggle={setOpen}>
          {optional.map((d) => (
            <DocumentCard key={`${d.account}${d.name}`} of={d} />
          ))}
        </Disclosure>
      )}
      <Section title={t("whatTheyDo")} hint={t("whatTheyDoHint")}>
        <div className="grid gap-6">
          <Outcomes label={t("passes")} list={made.calls} />
          <Outcomes label={t("refused")} list={made.refused} />
        </div>
      </Section>
      <Section title={t("approaches")} hint={t("approachesHint", { regions: made.organization.regions.map(region).join(t("and")) })}>
        <div className="grid gap-6">
          {made.organization.approaches.map((a) => (
            <ApproachCard key={a.name} of={a} />
          ))}
        </div>
      </Section>
    </section>
  );
}

function DocumentCard({ of }: { of: GeneratedDocument }) {
  const { t } = useTranslation("policy");
  return (
    <article className="grid min-w-0 gap-2">
      <h4 className="text-16">
        {of.kind === "vpcEndpoint" ? t("endpointOf", { service: of.service, region: of.region }) : t(`kind.${of.kind as "identity"}`)}
        {of.attachTo && <span className="block font-mono text-14 font-normal break-all text-muted">{of.attachTo}</span>}
      </h4>
      <p className="text-14">{of.purpose.text}</p>
      <DocumentBox name={`${of.account}-${of.name}`} document={of.document} />
      <Findings list={of.findings} />
    </article>
  );
}

function Outcomes({ label, list }: { label: string; list: Outcome[] }) {
  const { t } = useTranslation("policy");
  const columns: Column<Outcome>[] = [
    {
      id: "call",
      header: t("theCall"),
      cell: (o) => (
        <span className="grid py-1.5 leading-150 whitespace-normal">
          <span>{o.tryText ? t("callTried", { operation: o.operation, what: o.tryText }) : o.operation}</span>
          <span className="font-mono break-all text-muted">{o.modelId}</span>
          <span className="hidden @max-[48rem]:block">
            <Region code={o.region} />
          </span>
        </span>
      ),
    },
    { id: "region", header: t("regionCalled"), cell: (o) => <Region code={o.region} />, width: "w-64", from: "middle" },
    { id: "verdict", header: t("decision"), cell: (o) => <span className="whitespace-normal"><VerdictState of={o} /></span>, width: "w-28" },
  ];
  return (
    <div className="grid gap-2">
      <h3 className="text-16">{label}</h3>
      <Table flush label={label} columns={columns} rows={list} rowKey={(o) => `${list.indexOf(o)}`} rowName={(o) => `${o.operation} ${o.modelId ?? ""}`} />
    </div>
  );
}

function ApproachCard({ of }: { of: Approach }) {
  const { t } = useTranslation("policy");
  const [shown, setShown] = useState(false);
  const worst = of.calls.find((o) => verdictOf(o) !== "stays") ?? of.calls[0];
  const opens = of.opens.filter((o) => o.decision === "allowed" && o.resident !== "yes");
  const points = (title: string, list: { text?: string }[]) => (
    <div className="grid content-start gap-1">
      <h4 className="text-14 font-bold">{title}</h4>
      <ul className="list-disc pl-5 text-14 leading-[1.6]">
        {list.map((m, i) => (
          <li key={i}>{m.text}</li>
        ))}
      </ul>
    </div>
  );
  return (
    <article className="grid min-w-0 gap-3 rounded-8 border border-rule p-4">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <h3 className="text-16">{of.title.text}</h3>
        {worst && (
          <span className="text-14">
            {t("theseCalls")} <VerdictState of={worst} />
          </span>
        )}
      </div>
      <p className="text-14 break-words">{of.change.text}</p>
      <div className="grid grid-cols-2 gap-4 max-md:grid-cols-1">
        {points(t("merits"), of.merits)}
        {points(t("risks"), of.risks)}
      </div>
      {opens.length > 0 ? (
        <Notice tone="danger" title={t("alsoLeaves", { count: opens.length })}>
          <ul className="list-disc pl-5">
            {opens.map((o, i) => (
              <li key={i} className="break-all">
                {t("opened", { what: o.tryText, model: o.modelId, region: o.region })}
              </li>
            ))}
          </ul>
        </Notice>
      ) : (
        <p className="text-14">
          <Badge>{t("closed")}</Badge> {t("nothingLeaves")}
        </p>
      )}
      {of.scp === undefined && of.policy === undefined ? (
        <p className="text-14 text-muted">{t("noScp")}</p>
      ) : (
        <Disclosure title={t("showDocument")} isOpen={shown} onToggle={setShown}>
          {of.policy !== undefined && <DocumentBox name="invoke-models-directly" document={of.policy} />}
          {of.scp !== undefined && <DocumentBox name={`scp-${of.name}`} document={of.scp} />}
          <Findings list={of.findings} />
        </Disclosure>
      )}
    </article>
  );
}
