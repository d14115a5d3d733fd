import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ResidencyPolicy } from "@/lib/api/types";
import { useRuleName } from "@/lib/place";
import { Button } from "@/ui/button";
import { RadioGroup } from "@/ui/choice";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { SaveSettings, SettingsPage, useSettings } from "../settings-page";
import { decide, type Draft, refreshResidency, residencyQuery } from "./api";
import { policyOf, rewritten, same } from "./draft";
import { Effects } from "./effects";
import { Explain } from "./explain";
import { RuleCard } from "./rule-card";
import { RuleDialog } from "./rule-dialog";

/** Where what people write may be processed, what follows from that, and why. */
export function ResidencyPage() {
  const { t } = useTranslation("admin");
  return (
    <SettingsPage title={t("residency.title")} query={useQuery(residencyQuery)}>
      {(now) => (
        <>
          <PolicyForm now={now} />
          <Explain policy={now} />
        </>
      )}
    </SettingsPage>
  );
}

const draftOf = ({ open, rules }: ResidencyPolicy): Draft => ({ open, rules });

function PolicyForm({ now }: { now: ResidencyPolicy }) {
  const { t } = useTranslation("admin");
  const client = useQueryClient();
  /** The rule that is being written: its place, or that of a new one. */
  const [editing, setEditing] = useState<number>();
  const settings = useSettings<ResidencyPolicy, Draft>({
    now,
    queryKey: residencyQuery.queryKey,
    valuesOf: draftOf,
    same,
    write: (draft, base) => decide({ ...policyOf(draft), version: base.version }),
    onWritten: () => void refreshResidency(client),
  });
  const { base, changed, form } = settings;
  const draft = form.values;
  const setRules = (rules: Draft["rules"]) => form.set("rules", rules);
  const stuck = !draft.open && draft.rules.length === 0;

  return (
    <form {...form.form}>
      <Section title={t("residency.mode")} hint={t("residency.lead")}>
        <RadioGroup
          label={t("residency.mode")}
          hideLabel
          layout="card"
          value={draft.open ? "open" : "closed"}
          onChange={(mode) => form.set("open", mode === "open")}
          options={(["closed", "open"] as const).map((mode) => ({ value: mode, label: t(`residency.${mode}`), hint: t(`residency.${mode}Hint`) }))}
        />
        {draft.open && !base.open && (
          <Notice tone="warning" className="mt-4" live>
            {t("residency.openWarning")}
          </Notice>
        )}
      </Section>
      {!draft.open && (
        <Section
          title={t("residency.rules")}
          hint={t("residency.rulesHint")}
          actions={
            <Button size="dense" icon={Plus} onPress={() => setEditing(draft.rules.length)}>
              {t("residency.addRule")}
            </Button>
          }
        >
          {stuck ? (
            <p className="text-muted">{t("residency.noRules")}</p>
          ) : (
            <ul className="grid gap-3">
              {draft.rules.map((rule, i) => (
                <RuleCard key={i} rule={rule} onEdit={() => setEditing(i)} onRemove={() => setRules(draft.rules.filter((_, j) => j !== i))} />
              ))}
            </ul>
          )}
        </Section>
      )}
      <Section title={t("residency.effects")} hint={t(changed ? "residency.effectsChanged" : "residency.effectsHint")}>
        {stuck ? <p className="text-muted">{t("residency.nothing")}</p> : <Effects draft={policyOf(draft)} changed={changed} />}
      </Section>
      <SaveSettings settings={settings} together={draft} apart={<Theirs before={base} after={now} />} refused={stuck && t("residency.noRules")} />
      {editing !== undefined && (
        <RuleDialog
          draft={draft}
          at={editing}
          regions={now.data.regions}
          onClose={() => setEditing(undefined)}
          onDone={(rule) => {
            setRules(editing < draft.rules.length ? draft.rules.map((old, i) => (i === editing ? rule : old)) : [...draft.rules, rule]);
            setEditing(undefined);
          }}
        />
      )}
    </form>
  );
}

/** What somebody else has changed meanwhile. Going on with one's own takes it back: rules are not put together. */
function Theirs({ before, after }: { before: Draft; after: Draft }) {
  const { t } = useTranslation("admin");
  const ruleName = useRuleName();
  const changes = rewritten(before, after);
  return (
    <>
      <ul className="list-disc pl-5">
        {before.open !== after.open && <li>{t(after.open ? "residency.theyOpened" : "residency.theyClosed")}</li>}
        {(["added", "changed", "removed"] as const).flatMap((how) => changes[how].map((name) => <li key={`${how} ${name}`}>{t(`residency.they.${how}`, { name: ruleName(name) })}</li>))}
      </ul>
      <p className="mt-2">{t("residency.overtakenHint")}</p>
    </>
  );
}
