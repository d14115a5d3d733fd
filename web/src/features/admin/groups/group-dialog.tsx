import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Group } from "@/lib/api/types";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { RadioGroup } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { TextField } from "@/ui/text-field";
import { addGroup, refreshGroups, renameGroup } from "./api";
import { RuleFields, ruleOf, ruleValues, useRuleError } from "./rule-fields";

interface Props {
  /** The group to rename; none: a new one. */
  group?: Group;
  onClose: () => void;
  onAdded?: (group: Group) => void;
}

/** Adds a group, or renames one. */
export function GroupDialog({ group, onClose, onAdded }: Props) {
  const { t } = useTranslation("admin");
  const { t: people } = useTranslation("people");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const client = useQueryClient();
  const refused = useRuleError();
  const form = useForm({
    initial: { name: group?.name ?? "", kind: "chosen" as "chosen" | "rule", rule: ruleValues() },
    validate: (v) => ({ name: v.name.trim() ? undefined : common("required"), rule: v.kind === "rule" && !ruleOf(v.rule) ? people("groups.sayOne") : undefined }),
    submit: async (v) => {
      const name = v.name.trim();
      const saved = group ? await renameGroup(group.id, name) : await addGroup(name, v.kind === "rule" ? ruleOf(v.rule) : undefined);
      await refreshGroups(client);
      onClose();
      onAdded?.(saved);
    },
    fieldError: (err) => ({ name: err.field !== "name" ? undefined : err.code === "conflict" ? t("groups.taken") : common("refused"), rule: refused(err) }),
  });
  return (
    <Dialog
      title={group ? t("groups.editTitle", { name: group.name }) : t("groups.addTitle")}
      size={group ? "small" : "normal"}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={group ? common("saving") : common("adding")} onPress={() => void form.submit()}>
            {group ? common("save") : t("groups.addAct")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid grid-cols-[minmax(0,1fr)] gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <TextField {...form.field("name")} label={t("groups.name")} autoFocus autoComplete="off" />
        {!group && (
          <RadioGroup
            label={people("groups.kind")}
            layout="card"
            hint={people("groups.kindStays")}
            value={form.values.kind}
            onChange={(kind) => form.set("kind", kind)}
            options={[
              { value: "chosen", label: people("groups.chosen"), hint: people("groups.chosenHint") },
              { value: "rule", label: people("groups.byRule"), hint: people("groups.byRuleHint") },
            ]}
          />
        )}
        {!group && form.values.kind === "rule" && <RuleFields values={form.values.rule} onChange={(rule) => form.set("rule", rule)} error={form.errors.rule} />}
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}
