import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { isAbort, toApiError, type ApiError } from "@/lib/api/error";
import type { ResidencyPolicy } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { RadioGroup } from "@/ui/choice";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Page, Scroll, Section } from "@/ui/page";
import { Bar, Skeleton } from "@/ui/skeleton";
import { toast } from "@/ui/toast";
import { decide, type Draft, refreshResidency, residencyQuery } from "./api";
import { policyOf, same } from "./draft";
import { Effects } from "./effects";
import { Explain } from "./explain";
import { RuleCard } from "./rule-card";
import { RuleDialog } from "./rule-dialog";

/** Where what people write may be processed, what follows from that, and why. */
export function ResidencyPage() {
  const { t } = useTranslation("admin");
  const policy = useQuery(residencyQuery);
  return (
    <Page title={t("residency.title")}>
      <Scroll>
        <div className="grid w-full max-w-[49.5rem] px-6 pt-2 pb-16 max-md:px-4">
          {policy.isPending ? (
            <Skeleton>
              <div className="grid gap-4">
                <Bar className="w-1/3" />
                <Bar className="h-20 w-full" />
                <Bar className="h-32 w-full" />
              </div>
            </Skeleton>
          ) : policy.data ? (
            <>
              <PolicyForm now={policy.data} />
              <Explain data={policy.data.data} policyVersion={policy.data.version} />
            </>
          ) : (
            <ErrorNotice error={policy.error} onRetry={() => void policy.refetch()} />
          )}
        </div>
      </Scroll>
    </Page>
  );
}

const draftOf = ({ open, rules }: ResidencyPolicy): Draft => ({ open, rules });

function PolicyForm({ now }: { now: ResidencyPolicy }) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const format = useFormats();
  const client = useQueryClient();
  /** What the form was filled from. What somebody else has decided since is shown, never taken over unasked. */
  const [base, setBase] = useState(now);
  const [draft, setDraft] = useState(() => draftOf(now));
  /** The rule that is being written: its place, or that of a new one. */
  const [editing, setEditing] = useState<number>();
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const changed = !same(draft, base);
  const overtaken = now.version > base.version;
  const take = (policy: ResidencyPolicy) => {
    setBase(policy);
    setDraft(draftOf(policy));
    setFailure(null);
  };
  if (overtaken && !changed) take(now);

  const save = async () => {
    setPending(true);
    setFailure(null);
    try {
      const kept = await decide({ ...policyOf(draft), version: base.version });
      client.setQueryData(residencyQuery.queryKey, kept);
      take(kept);
      void refreshResidency(client);
      toast({ text: common("saved") });
    } catch (err) {
      if (isAbort(err)) return;
      const error = toApiError(err);
      if (error.code === "conflict") await client.refetchQueries({ queryKey: residencyQuery.queryKey, exact: true }); // what they decided is shown beside ours
      else setFailure(error);
    } finally {
      setPending(false);
    }
  };
  const setRules = (rules: Draft["rules"]) => setDraft({ ...draft, rules });
  const stuck = !draft.open && draft.rules.length === 0;

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Section title={t("residency.mode")} hint={t("residency.lead")}>
        <RadioGroup
          label={t("residency.mode")}
          hideLabel
          layout="card"
          value={draft.open ? "open" : "closed"}
          onChange={(mode) => setDraft({ ...draft, open: mode === "open" })}
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
        {stuck ? <p className="text-muted">{t("residency.noRules")}</p> : <Effects draft={policyOf(draft)} changed={changed} />}
      </Section>
      <section aria-label={t("chat.save")} className="grid gap-4 border-t border-rule py-6">
        {overtaken && changed && (
          <Notice
            live
            tone="warning"
            title={t("chat.overtaken", { name: now.changedByName || t("chat.somebody"), time: format.within(now.changedAt ?? new Date()) })}
            actions={
              <>
                <Button size="dense" onPress={() => take(now)}>
                  {t("chat.takeTheirs")}
                </Button>
                <Button size="dense" onPress={() => setBase(now)}>
                  {t("chat.keepMine")}
                </Button>
              </>
            }
          />
        )}
        {failure && <ErrorNotice error={failure} />}
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <Button
            type="submit"
            tone="primary"
            isPending={pending}
            pendingLabel={common("saving")}
            disabledReason={overtaken && changed ? t("chat.chooseFirst") : stuck ? t("residency.noRules") : !changed && t("chat.unchanged")}
          >
            {common("save")}
          </Button>
          {changed && !overtaken && (
            <Button tone="quiet" onPress={() => take(base)}>
              {t("chat.discard")}
            </Button>
          )}
          <p className="text-14 text-muted">
            {now.version === 0 ? t("chat.neverChanged") : t("chat.lastChanged", { name: now.changedByName || t("chat.somebody"), time: format.within(now.changedAt ?? new Date()) })}
          </p>
        </div>
      </section>
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
