import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { limitsQuery } from "@/features/account/api";
import type { ApiError } from "@/lib/api/error";
import type { ResidencyRule, Schemas } from "@/lib/api/types";
import { confidentialities } from "@/lib/confidentiality";
import { nameOfCountry, useRegionName, useRuleName } from "@/lib/place";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { CheckboxGroup, RadioGroup } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { Disclosure } from "@/ui/disclosure";
import { ErrorNotice } from "@/ui/error-notice";
import { TextArea, TextField } from "@/ui/text-field";
import { connectionsQuery } from "../connections/api";
import { groupsQuery } from "../groups/api";
import { type Draft, preview } from "./api";
import { emptyRule, formOf, patternsOf, type RuleForm, ruleOf } from "./draft";

interface Props {
  draft: Draft;
  /** Which of its rules; past the last, a new one. */
  at: number;
  regions: Schemas["Region"][];
  onClose: () => void;
  onDone: (rule: ResidencyRule) => void;
}

/** The same in every language. */
const home = "JP";
const example = "anthropic.*";

/** Writes one rule. The server has judged it before it is taken over, so that what it refuses is told at its field. */
export function RuleDialog({ draft, at, regions, onClose, onDone }: Props) {
  const { t, i18n } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const ruleName = useRuleName();
  const regionName = useRegionName();
  const groups = useQuery(groupsQuery);
  const connections = useQuery(connectionsQuery);
  const classifies = (useQuery(limitsQuery).data?.defaultClass ?? 0) > 0;
  const before = draft.rules[at];
  const form = useForm<RuleForm>({
    initial: before ? formOf(before, ruleName(before.name)) : emptyRule,
    validate: (v) => ({
      name: v.name.trim() ? undefined : common("required"),
      groupIds: v.audience === "groups" && v.groupIds.length === 0 ? t("models.chooseGroup") : undefined,
      models: v.scope === "some" && patternsOf(v.models).length === 0 ? t("residency.patternNeeded") : undefined,
    }),
    submit: async (v) => {
      const rule = ruleOf(v);
      const others = draft.rules.filter((_, i) => i !== at);
      await preview({ open: false, rules: [...others, rule] }); // the last, so that it is the one that is refused for a name twice
      onDone(rule);
    },
    fieldError: (err) => refusal(err),
  });
  const refusal = (err: ApiError): Partial<Record<keyof RuleForm, string>> => {
    const field = /^rules\[\d+\]\.(\w+)/.exec(err.field)?.[1];
    const { value = "", max } = err.params;
    switch (field) {
      case "name":
        return { name: t("residency.refused.name") };
      case "regions":
      case "countries":
      case "models":
        return { [field]: max ? t("residency.refused.many", { max }) : t(`residency.refused.${field}`, { value }) };
      default:
        return {};
    }
  };
  const v = form.values;

  const regionOptions = regions.map((r) => ({
    country: r.country,
    value: r.id,
    label: r.country === home ? t("residency.regionLong", { name: regionName(r.id), id: r.id }) : t("residency.regionAbroad", { name: regionName(r.id), id: r.id, country: nameOfCountry(r.country, i18n.language) }),
  }));
  const declared = connections.data?.items.map((c) => c.settings.country ?? "").filter(Boolean) ?? [];
  const countryOptions = [...new Set([home, ...regions.map((r) => r.country), ...declared, ...v.countries])]
    .map((code) => ({ country: code, value: code, label: nameOfCountry(code, i18n.language) }))
    .sort((a, b) => a.label.localeCompare(b.label, i18n.language));
  // A group that is gone stays chosen until it is taken out: without it the rule might be for everyone.
  const groupOptions = [
    ...(groups.data?.items ?? []).map((g) => ({ value: g.id, label: g.name })),
    ...(groups.data ? v.groupIds.filter((id) => !groups.data.items.some((g) => g.id === id)).map((id) => ({ value: id, label: t("residency.goneGroup") })) : []),
  ];

  return (
    <Dialog
      title={before ? t("residency.editTitle", { name: ruleName(before.name) }) : t("residency.addTitle")}
      size="large"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} onPress={() => void form.submit()}>
            {t(before ? "residency.applyAct" : "residency.addAct")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid gap-6">
        {form.failure && <ErrorNotice error={form.failure} />}
        <TextField {...form.field("name")} label={t("residency.name")} hint={t("residency.nameHint")} autoComplete="off" />
        <div className="grid gap-2">
          <RadioGroup
            label={t("residency.who")}
            layout="row"
            value={v.audience}
            onChange={(audience) => form.set("audience", audience)}
            options={[
              { value: "everyone", label: t("models.everyone") },
              { value: "groups", label: t("models.onlyGroups") },
            ]}
          />
          {v.audience === "groups" &&
            (groupOptions.length > 0 ? (
              <CheckboxGroup label={t("accounts.groups")} hideLabel value={v.groupIds} onChange={(ids) => form.set("groupIds", ids)} error={form.errors.groupIds} options={groupOptions} />
            ) : (
              <p className="text-14 text-muted">{t("models.noGroups")}</p>
            ))}
        </div>
        <div className="grid gap-6 md:grid-cols-2">
          <Chosen
            label={t("residency.regions")}
            hint={t("residency.regionsHint")}
            value={v.regions}
            onChange={(next) => form.set("regions", next)}
            error={form.errors.regions}
            options={regionOptions}
            others={(count) => (count > 0 ? t("residency.otherRegionsChosen", { count }) : t("residency.otherRegions"))}
          />
          <Chosen
            label={t("residency.countries")}
            hint={t("residency.countriesHint")}
            value={v.countries}
            onChange={(next) => form.set("countries", next)}
            error={form.errors.countries}
            options={countryOptions}
            others={(count) => (count > 0 ? t("residency.otherCountriesChosen", { count }) : t("residency.otherCountries"))}
          />
        </div>
        <div className="grid gap-2">
          <RadioGroup
            label={t("residency.models")}
            layout="row"
            value={v.scope}
            onChange={(scope) => form.set("scope", scope)}
            options={[
              { value: "all", label: t("residency.everyModel") },
              { value: "some", label: t("residency.onlyModels") },
            ]}
          />
          {v.scope === "some" && <TextArea {...form.field("models")} label={t("residency.patterns")} hint={t("residency.patternsHint")} placeholder={example} mono />}
        </div>
        {(classifies || v.classes.length > 0) && (
          <CheckboxGroup
            label={t("chat.class")}
            hint={t("residency.classesHint")}
            value={v.classes}
            onChange={(classes) => form.set("classes", classes)}
            options={confidentialities.map((one) => ({ value: String(one), label: t(`chat.class${one}`) }))}
          />
        )}
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}

interface ChosenProps {
  label: string;
  hint: string;
  value: string[];
  onChange: (value: string[]) => void;
  error: string | undefined;
  options: { value: string; label: string; country: string }[];
  /** The words for the others, with how many of them are chosen. */
  others: (count: number) => string;
}

/** Places of which those at home stand first and the others are folded. */
function Chosen({ label, hint, value, onChange, error, options, others }: ChosenProps) {
  const near = options.filter((o) => o.country === home);
  const far = options.filter((o) => o.country !== home);
  const inside = (group: typeof options) => value.filter((id) => group.some((o) => o.value === id));
  const chosen = inside(far);
  const [open, setOpen] = useState(chosen.length > 0);
  return (
    <div className="grid content-start gap-1">
      <CheckboxGroup label={label} hint={hint} value={inside(near)} onChange={(ids) => onChange([...ids, ...chosen])} options={near} error={error} />
      <Disclosure title={others(chosen.length)} isOpen={open} onToggle={setOpen}>
        <div className="max-h-56 overflow-y-auto rounded-8 border border-rule px-3 py-1">
          <CheckboxGroup label={others(chosen.length)} hideLabel value={chosen} onChange={(ids) => onChange([...inside(near), ...ids])} options={far} />
        </div>
      </Disclosure>
    </div>
  );
}
