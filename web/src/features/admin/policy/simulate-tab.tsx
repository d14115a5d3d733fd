import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Locale } from "@/lib/api/types";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { Checkbox, RadioGroup } from "@/ui/choice";
import { CopyButton } from "@/ui/copy-button";
import { Disclosure } from "@/ui/disclosure";
import { Section } from "@/ui/page";
import { Combobox, Select } from "@/ui/select";
import { TextArea, TextField } from "@/ui/text-field";
import { AnswerView } from "./answer";
import { simulate, type Answer, type Question } from "./api";
import { Failure } from "./failure";
import { knownRegions, usePlaceName } from "./places";
import { draftOf, parsed, placesOf, questionOf, type Draft, type HopEntry, type PolicyEntry } from "./question";

const operations = ["Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream", "CountTokens", "Rerank", "ListFoundationModels", "ListInferenceProfiles"];

/** The same in every language. */
const examples = { caller: "arn:aws:iam::111111111111:role/workplace", role: "arn:aws:iam::222222222222:role/bedrock", endpoint: "vpce-0a1b2c3d", regions: "ap-northeast-1, ap-northeast-3" };

interface Props {
  /** What the form begins with. */
  question: Question;
  /** Of that question, if it was asked. */
  answer: Answer | undefined;
  onAnswer: (question: Question, answer: Answer) => void;
}

/** Would this call work, and where would it run? */
export function SimulateTab({ question, answer: before, onAnswer }: Props) {
  const { t, i18n } = useTranslation("policy");
  const [answer, setAnswer] = useState(before);
  const form = useForm<Draft>({
    initial: draftOf(question),
    validate: (draft) => (draft.policies.some((p) => !parsed(p.text)) ? { policies: t("notJson") } : {}),
    submit: async (draft) => {
      setAnswer(undefined);
      const asked = questionOf(draft);
      const answered = await simulate(asked, i18n.language as Locale);
      setAnswer(answered);
      onAnswer(asked, answered);
    },
  });
  const { values: draft, set } = form;
  const setHop = (i: number, patch: Partial<HopEntry>) => set("hops", draft.hops.map((hop, j) => (i === j ? { ...hop, ...patch } : hop)));

  return (
    <div className="grid gap-8">
      <form {...form.form} className="grid">
        <Section title={t("theCall")} hint={t("theCallHint")}>
          <div className="grid grid-cols-2 items-start gap-4 max-md:grid-cols-1">
            <Select label={t("operation")} value={draft.operation} onChange={(v) => set("operation", v)} options={[...new Set([...operations, question.call.operation])].map((value) => ({ value, label: value }))} />
            <Combobox label={t("regionCalled")} value={draft.region} onChange={(v) => set("region", v)} options={knownRegions} />
            <div className="col-span-full">
              <TextField label={t("model")} hint={t("modelHint")} value={draft.modelId} onChange={(v) => set("modelId", v)} mono autoComplete="off" />
            </div>
            <TextField label={t("bedrockEndpoint")} optional hint={t("endpointHint")} placeholder={examples.endpoint} value={draft.bedrockEndpoint} onChange={(v) => set("bedrockEndpoint", v)} mono autoComplete="off" />
            <TextField label={t("allowedRegions")} optional hint={t("allowedRegionsHint")} placeholder={examples.regions} value={draft.allowed} onChange={(v) => set("allowed", v)} mono autoComplete="off" />
          </div>
        </Section>
        <Section title={t("whoCalls")} hint={t("whoCallsHint")}>
          <div className="grid gap-4">
            <TextField label={t("caller")} hint={t("callerHint")} placeholder={examples.caller} value={draft.callerArn} onChange={(v) => set("callerArn", v)} mono autoComplete="off" />
            {draft.hops.map((hop, i) => (
              <fieldset key={i} className="grid gap-4 rounded-8 border border-rule p-4">
                <legend className="px-1 font-bold">{t("roleN", { n: i + 1 })}</legend>
                <TextField label={t("roleArn")} placeholder={examples.role} value={hop.roleArn} onChange={(roleArn) => setHop(i, { roleArn })} mono autoComplete="off" />
                <div className="grid grid-cols-2 items-start gap-4 max-md:grid-cols-1">
                  <TextField label={t("externalId")} optional value={hop.externalId} onChange={(externalId) => setHop(i, { externalId })} mono autoComplete="off" />
                  <Combobox label={t("stsRegion")} optional value={hop.stsRegion} onChange={(stsRegion) => setHop(i, { stsRegion })} options={knownRegions} />
                </div>
                <RadioGroup
                  label={t("sts")}
                  value={hop.sts}
                  onChange={(sts) => setHop(i, { sts })}
                  options={(["regional", "global"] as const).map((value) => ({ value, label: t(`sts_${value}`) }))}
                />
                <Button size="dense" tone="quiet" icon={Trash2} className="justify-self-start" onPress={() => set("hops", draft.hops.filter((_, j) => j !== i))}>
                  {t("removeRole", { n: i + 1 })}
                </Button>
              </fieldset>
            ))}
            <div className="flex flex-wrap items-end gap-4">
              <Button size="dense" icon={Plus} onPress={() => set("hops", [...draft.hops, { roleArn: "", externalId: "", sts: "regional", stsRegion: "" }])}>
                {t("addRole")}
              </Button>
            </div>
            {draft.hops.length > 0 && (
              <TextField label={t("stsEndpoint")} optional hint={t("endpointHint")} placeholder={examples.endpoint} value={draft.stsEndpoint} onChange={(v) => set("stsEndpoint", v)} mono autoComplete="off" />
            )}
          </div>
        </Section>
        <Section title={t("policies")} hint={t("policiesHint")}>
          <Policies draft={draft} onChange={(policies) => set("policies", policies)} tried={Boolean(form.errors.policies)} />
          {draft.policies.some((p) => p.place.startsWith("scp.")) && (
            <Checkbox isSelected={draft.fullAccess} onChange={(v) => set("fullAccess", v)} hint={t("fullAccessHint")} className="mt-4">
              {t("fullAccess")}
            </Checkbox>
          )}
        </Section>
        <AsJSON key={JSON.stringify(questionOf(draft))} draft={draft} onRead={(read) => form.reset(draftOf(read))} />
        <div className="mt-6 flex flex-wrap items-center gap-4">
          <Button type="submit" tone="primary" isPending={form.pending} pendingLabel={t("simulating")} disabledReason={!draft.callerArn && t("callerFirst")}>
            {t("simulate")}
          </Button>
          <p className="text-14 text-muted">{t("awsIsNotAsked")}</p>
        </div>
      </form>
      {form.failure && <Failure error={form.failure} />}
      {answer && (
        <section aria-label={t("answerTitle")} className="border-t border-rule pt-8">
          <h2 className="mb-4 text-18">{t("answerTitle")}</h2>
          <AnswerView answer={answer} />
        </section>
      )}
    </div>
  );
}

function Policies({ draft, onChange, tried }: { draft: Draft; onChange: (policies: PolicyEntry[]) => void; tried: boolean }) {
  const { t } = useTranslation("policy");
  const placeName = usePlaceName();
  const places = placesOf(draft);
  const set = (i: number, patch: Partial<PolicyEntry>) => onChange(draft.policies.map((p, j) => (i === j ? { ...p, ...patch } : p)));
  return (
    <div className="grid gap-4">
      {draft.policies.map((p, i) => {
        const options = (places.includes(p.place) ? places : [p.place, ...places]).map((value) => ({ value, label: placeName(value) }));
        return (
          <fieldset key={i} className="grid min-w-0 gap-4 rounded-8 border border-rule p-4">
            <legend className="px-1 font-bold">{t("policyN", { n: i + 1 })}</legend>
            <div className="grid grid-cols-[minmax(0,2fr)_minmax(0,1fr)] items-start gap-4 max-md:grid-cols-1">
              <Select label={t("where")} value={p.place} onChange={(place) => set(i, { place })} options={options} error={places.includes(p.place) ? undefined : t("placeGone")} />
              <TextField label={t("policyName")} value={p.name} onChange={(name) => set(i, { name })} autoComplete="off" />
            </div>
            {/^(scp|rcp)\./.test(p.place) && <TextField label={t("level")} hint={t("levelHint")} value={p.level} onChange={(level) => set(i, { level })} autoComplete="off" />}
            <TextArea label={t("document")} rows={6} mono spellCheck="false" value={p.text} onChange={(text) => set(i, { text })} error={tried && !parsed(p.text) ? t("notJson") : undefined} />
            <Button size="dense" tone="quiet" icon={Trash2} className="justify-self-start" onPress={() => onChange(draft.policies.filter((_, j) => j !== i))}>
              {t("removePolicy", { n: i + 1 })}
            </Button>
          </fieldset>
        );
      })}
      <Button size="dense" icon={Plus} className="justify-self-start" onPress={() => onChange([...draft.policies, { place: "caller.identity", level: "", name: `policy-${draft.policies.length + 1}`, text: "" }])}>
        {t("addPolicy")}
      </Button>
    </div>
  );
}

/** The question as the command line takes it, for what the form has no field for. */
function AsJSON({ draft, onRead }: { draft: Draft; onRead: (question: Question) => void }) {
  const { t } = useTranslation("policy");
  const [open, setOpen] = useState(false);
  const now = JSON.stringify(questionOf(draft), null, 2);
  const [text, setText] = useState(now);
  const [wrong, setWrong] = useState(false);
  const read = () => {
    const found = parsed(text)?.document as Question | undefined;
    // What the rest of it says, the server judges.
    if (!found?.call || !found.principal?.policies) return setWrong(true);
    onRead(found);
  };
  return (
    <Disclosure title={t("asJson")} isOpen={open} onToggle={setOpen}>
      <TextArea
        label={t("questionJson")}
        hint={t("questionJsonHint")}
        rows={8}
        mono
        spellCheck="false"
        value={text}
        onChange={(v) => {
          setText(v);
          setWrong(false);
        }}
        error={wrong ? t("noQuestion") : undefined}
      />
      <div className="flex flex-wrap gap-2">
        <Button size="dense" onPress={read} disabledReason={text === now && t("unchangedJson")}>
          {t("readJson")}
        </Button>
        <CopyButton text={now} label={t("copyQuestion")} words={t("copy")} />
      </div>
    </Disclosure>
  );
}
