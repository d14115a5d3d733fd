import { useQuery, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Group } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";
import { useForm } from "@/lib/use-form";
import { Button, IconButton } from "@/ui/button";
import { Checkbox } from "@/ui/choice";
import { Detail, Details } from "@/ui/details";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { TextArea } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { UnitAdder } from "../units/unit-picker";
import { useUnits } from "../units/unit-tree";
import { fittingQuery, refreshGroups, type Rule, setRule } from "./api";

/** A rule as it is written: lines of text where there may be several. */
export interface RuleValues {
  unitIds: string[];
  below: boolean;
  titles: string;
  domains: string;
}

export const ruleValues = (rule?: Rule): RuleValues => ({ unitIds: rule?.unitIds ?? [], below: rule?.below ?? true, titles: (rule?.titles ?? []).join("\n"), domains: (rule?.emailDomains ?? []).join("\n") });

const linesOf = (text: string) => text.split(/[\n,、]/).map((line) => line.trim()).filter(Boolean);

/** What is written as a rule; nothing while nothing is said. */
export function ruleOf({ unitIds, below, titles, domains }: RuleValues): Rule | undefined {
  const rule: Rule = {
    ...(unitIds.length > 0 && { unitIds, below }),
    ...(linesOf(titles).length > 0 && { titles: linesOf(titles) }),
    ...(linesOf(domains).length > 0 && { emailDomains: linesOf(domains).map((line) => line.replace(/^.*@/, "").normalize("NFKC").toLowerCase()) }),
  };
  return Object.keys(rule).length > 0 ? rule : undefined;
}

interface Props {
  values: RuleValues;
  onChange: (values: RuleValues) => void;
  error: string | undefined;
}

/** Who is in a group by what they are, with how many that is now. */
export function RuleFields({ values, onChange, error }: Props) {
  const { t } = useTranslation("people");
  const units = useUnits();
  const set = (patch: Partial<RuleValues>) => onChange({ ...values, ...patch });
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <p className="text-14 text-muted">{t("groups.ruleHint")}</p>
      <div role="group" aria-label={t("groups.units")} className="grid gap-1.5">
        <b>{t("groups.units")}</b>
        {values.unitIds.length > 0 && (
          <ul className="grid gap-1">
            {values.unitIds.map((id) => (
              <li key={id} className="flex items-center justify-between gap-2 rounded-6 bg-surface-raised pl-3">
                <span className="min-w-0 [overflow-wrap:anywhere]">{units.path(id)}</span>
                <IconButton icon={X} label={t("groups.removeUnit", { name: units.name(id) })} size="dense" iconSize={16} onPress={() => set({ unitIds: values.unitIds.filter((u) => u !== id) })} />
              </li>
            ))}
          </ul>
        )}
        <UnitAdder label={t("groups.addUnit")} tree={units.tree} only={(u) => !values.unitIds.includes(u.id)} onPick={(id) => set({ unitIds: [...values.unitIds, id] })} />
        {values.unitIds.length > 0 && (
          <Checkbox isSelected={values.below} onChange={(below) => set({ below })}>
            {t("groups.below")}
          </Checkbox>
        )}
      </div>
      <TextArea label={t("groups.titles")} optional hint={t("groups.titlesHint")} rows={2} value={values.titles} onChange={(titles) => set({ titles })} />
      <TextArea label={t("groups.domains")} optional hint={t("groups.domainsHint")} rows={2} value={values.domains} onChange={(domains) => set({ domains })} />
      <Fitting values={values} />
      {error && (
        <p role="alert" className="text-14 text-danger">
          {error}
        </p>
      )}
    </div>
  );
}

/** Whom the rule fits as it is written. */
function Fitting({ values }: { values: RuleValues }) {
  const { t } = useTranslation("people");
  const format = useFormats();
  const rule = useDebounced(JSON.stringify(ruleOf(values) ?? null), 400);
  const asked = JSON.parse(rule) as Rule | null;
  const fitting = useQuery({ ...fittingQuery(asked ?? {}), enabled: asked !== null });
  const said = !asked ? "" : fitting.isFetching ? t("groups.counting") : fitting.error ? "" : fitting.data?.members === 0 ? t("groups.fitsNobody") : t("groups.fits", { count: fitting.data?.members ?? 0, formatted: format.number(fitting.data?.members ?? 0) });
  return (
    <p role="status" className="min-h-6 font-bold tabular-nums">
      {said}
    </p>
  );
}

/** A rule in words. */
export function RuleFacts({ rule }: { rule: Rule }) {
  const { t } = useTranslation("people");
  const format = useFormats();
  const units = useUnits();
  return (
    <Details>
      {rule.unitIds && rule.unitIds.length > 0 && (
        <Detail name={t("groups.units")}>
          <ul className="grid gap-1">
            {rule.unitIds.map((id) => (
              <li key={id}>{rule.below ? t("groups.andBelow", { name: units.path(id) }) : units.path(id)}</li>
            ))}
          </ul>
        </Detail>
      )}
      {rule.titles && rule.titles.length > 0 && <Detail name={t("groups.titles")}>{format.list(rule.titles)}</Detail>}
      {rule.emailDomains && rule.emailDomains.length > 0 && <Detail name={t("groups.domains")}>{format.list(rule.emailDomains)}</Detail>}
    </Details>
  );
}

/** The words for a rule that was refused, by its field. */
export function useRuleError(): (err: { field: string }) => string | undefined {
  const { t } = useTranslation("people");
  return ({ field }) =>
    field === "rule" ? t("groups.sayOne") : field === "rule.emailDomains" ? t("groups.domainRefused") : field === "rule.unitIds" ? t("accounts.goneUnit") : undefined;
}

/** Changes the rule of a group. */
export function RuleDialog({ group, onClose }: { group: Group; onClose: () => void }) {
  const { t } = useTranslation("people");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const client = useQueryClient();
  const refused = useRuleError();
  const form = useForm({
    initial: { rule: ruleValues(group.rule) },
    validate: (v) => ({ rule: ruleOf(v.rule) ? undefined : t("groups.sayOne") }),
    submit: async (v) => {
      await setRule(group.id, ruleOf(v.rule) ?? {});
      await refreshGroups(client);
      toast({ text: t("groups.ruleSaved", { name: group.name }) });
      onClose();
    },
    fieldError: (err) => ({ rule: refused(err) }),
  });
  return (
    <Dialog
      title={t("groups.ruleTitle", { name: group.name })}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={common("saving")} onPress={() => void form.submit()}>
            {common("save")}
          </Button>
        </>
      }
    >
      <form {...form.form}>
        {form.failure && <ErrorNotice error={form.failure} className="mb-4" />}
        <RuleFields values={form.values.rule} onChange={(rule) => form.set("rule", rule)} error={form.errors.rule} />
      </form>
    </Dialog>
  );
}
