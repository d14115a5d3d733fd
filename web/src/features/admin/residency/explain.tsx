import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { limitsQuery } from "@/features/account/api";
import type { CatalogueModel, Decision, ResidencyPolicy } from "@/lib/api/types";
import { confidentialities } from "@/lib/confidentiality";
import { cx } from "@/lib/cx";
import { useRegionName } from "@/lib/place";
import { useForm } from "@/lib/use-form";
import { Button, TextLink } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { Section } from "@/ui/page";
import { Combobox, Select } from "@/ui/select";
import { useAct } from "@/ui/use-act";
import { connectionsQuery } from "../connections/api";
import { groupsQuery } from "../groups/api";
import { catalogueQuery } from "../models/api";
import { explain, profilesQuery } from "./api";
import { DecisionView } from "./decision-view";

interface Question {
  /** A model of the catalogue, or "": what is typed. */
  catalogueId: string;
  /** A connection, or "": a region of Bedrock. */
  connectionId: string;
  region: string;
  modelId: string;
  groupId: string;
  /** "0" to "3", or "": as the organisation's conversations begin. */
  confidentiality: string;
}

const noModels: CatalogueModel[] = [];

/** What came of a question, with what was asked. */
interface Answer {
  decision: Decision;
  question: Question;
}

/** Says where a model may answer, whether that is permitted, and why. */
export function Explain({ policy: { data, rules, version } }: { policy: ResidencyPolicy }) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const { model } = useSearch({ from: "/admin/residency" });
  const regionName = useRegionName();
  const act = useAct();
  const catalogue = useQuery(catalogueQuery);
  const connections = useQuery(connectionsQuery);
  const groups = useQuery(groupsQuery);
  const limits = useQuery(limitsQuery);
  const [answer, setAnswer] = useState<Answer>();
  const [answeredBy, setAnsweredBy] = useState(version);
  if (answeredBy !== version) {
    setAnsweredBy(version);
    setAnswer(undefined); // it was by another policy
  }
  const section = useRef<HTMLDivElement>(null);
  const models = catalogue.data?.items ?? noModels;
  const initialClass = String(limits.data?.defaultClass ?? 0);
  /** Whether it is about a model of the catalogue, which may be gone. */
  const isKept = ({ catalogueId }: Question) => catalogueId !== "" && (!catalogue.data || models.some((m) => m.id === catalogueId));
  const classOf = (q: Question) => q.confidentiality || initialClass;

  const ask = async (q: Question) => {
    const named = { ...(q.connectionId ? { connectionId: q.connectionId } : { region: q.region.trim() }), modelId: q.modelId.trim() };
    const decision = await explain({
      ...(isKept(q) ? { entryId: q.catalogueId } : named),
      ...(q.groupId && { groupIds: [q.groupId] }),
      class: Number(classOf(q)),
    });
    setAnswer({ decision, question: q });
  };
  const form = useForm<Question>({
    initial: { catalogueId: model ?? "", connectionId: "", region: "ap-northeast-1", modelId: "", groupId: "", confidentiality: "" },
    validate: (q) => (isKept(q) ? {} : { modelId: q.modelId.trim() ? undefined : common("required"), region: q.connectionId || q.region.trim() ? undefined : common("required") }),
    submit: ask,
    fieldError: (err) => (err.field === "region" ? { region: t("residency.regionRefused") } : err.field === "modelId" ? { modelId: common("refused") } : {}),
  });
  const q = form.values;
  const classed = classOf(q) !== "0" || rules.some((rule) => rule.classes && rule.classes.length > 0);

  // Asked from elsewhere about a model: it is answered at once, and shown.
  const known = catalogue.data !== undefined && !limits.isPending;
  const asked = useRef("");
  useEffect(() => {
    if (!model || !known || !models.some((m) => m.id === model) || asked.current === model) return;
    asked.current = model;
    section.current?.scrollIntoView({ block: "start" });
    void form.submit();
  }, [model, known, models, form]);

  const caller = connections.data?.items.find((c) => c.id === q.connectionId);
  const region = caller ? (caller.settings.region ?? "") : q.region.trim();
  const profiles = useQuery({ ...profilesQuery(region), enabled: !isKept(q) && data.regions.some((r) => r.id === region) });
  const suggestions = [
    ...new Set([...models.filter((m) => m.connectionId === q.connectionId).map((m) => m.remoteId), ...(profiles.data?.items ?? []).map((p) => p.id)]),
  ];
  const change = <K extends keyof Question & string>(name: K, value: Question[K]) => {
    form.set(name, value);
    setAnswer(undefined); // it was about something else
  };

  return (
    <div ref={section} className="scroll-mt-4 border-t border-rule pt-8">
      <Section id="explain" title={t("residency.explain")} hint={<>{t("residency.explainHint")} <TextLink to="/admin/policy">{t("residency.openAws")}</TextLink></>}>
        <form {...form.form} aria-label={t("residency.explain")} className="grid gap-4">
          {form.failure && <ErrorNotice error={form.failure} />}
          <div className={cx("grid items-start gap-4", classed ? "md:grid-cols-3" : "md:grid-cols-2")}>
            <Select
              label={t("residency.what")}
              value={isKept(q) ? q.catalogueId : ""}
              onChange={(id) => change("catalogueId", id)}
              options={[...models.map((m) => ({ value: m.id, label: m.displayName })), { value: "", label: t("residency.typed") }]}
            />
            <Select
              label={t("residency.forWhom")}
              value={q.groupId}
              onChange={(id) => change("groupId", id)}
              options={[{ value: "", label: t("residency.noGroup") }, ...(groups.data?.items ?? []).map((g) => ({ value: g.id, label: t("residency.memberOf", { name: g.name }) }))]}
            />
            {classed && (
              <Select
                label={t("chat.class")}
                value={classOf(q)}
                onChange={(confidentiality) => change("confidentiality", confidentiality)}
                options={[...confidentialities.map((one) => ({ value: String(one), label: t(`chat.class${one}`) })), { value: "0", label: t("residency.unclassified") }]}
              />
            )}
            {!isKept(q) && (
              <>
                <Select
                  label={t("residency.from")}
                  value={q.connectionId}
                  onChange={(id) => change("connectionId", id)}
                  options={[{ value: "", label: t("residency.byRegion") }, ...(connections.data?.items ?? []).filter((c) => c.kind !== "demo").map((c) => ({ value: c.id, label: c.name }))]}
                />
                {!q.connectionId && (
                  <div className={classed ? "md:col-span-2" : undefined}>
                    <Combobox
                      label={t("residency.region")}
                      name="region"
                      value={q.region}
                      onChange={(value) => change("region", value)}
                      error={form.errors.region}
                      options={data.regions.map((r) => ({ value: r.id, label: t("residency.regionLong", { name: regionName(r.id), id: r.id }) }))}
                    />
                  </div>
                )}
                <div className="col-span-full">
                  <Combobox
                    key={`${q.connectionId} ${suggestions.length}`}
                    label={t("residency.modelId")}
                    hint={t("residency.modelIdHint")}
                    name="modelId"
                    value={q.modelId}
                    onChange={(value) => change("modelId", value)}
                    error={form.errors.modelId}
                    options={suggestions.map((id) => ({ value: id, label: id }))}
                  />
                </div>
              </>
            )}
          </div>
          <Button type="submit" className="justify-self-start" isPending={form.pending} pendingLabel={t("residency.asking")}>
            {t("residency.ask")}
          </Button>
        </form>
        <div role="status" aria-label={t("residency.result")} className="mt-4">
          {answer && (
            <DecisionView
              decision={answer.decision}
              modelId={models.find((m) => m.id === answer.question.catalogueId)?.remoteId ?? answer.question.modelId.trim()}
              version={data.version}
              onInstead={(modelId) => {
                const entry = models.find((m) => m.id === answer.question.catalogueId);
                const next = { ...answer.question, catalogueId: "", connectionId: entry?.connectionId ?? answer.question.connectionId, modelId };
                form.reset(next);
                void act(() => ask(next));
              }}
            />
          )}
        </div>
      </Section>
    </div>
  );
}
