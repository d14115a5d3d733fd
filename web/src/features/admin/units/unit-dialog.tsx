import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useMe } from "@/features/account/api";
import { dayOf, dayStart, useDayText } from "@/lib/day";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { DayField } from "@/ui/day-field";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { NumberField, TextField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { addUnit, changeUnit, refreshUnits, type Unit } from "./api";
import { UnitPicker } from "./unit-picker";
import type { UnitTree } from "./unit-tree";

interface Props {
  /** The unit to change; none: a new one below parentId. */
  unit?: Unit;
  parentId?: string;
  tree: UnitTree;
  /** The day that is looked at, from which a change is likely meant to hold. */
  day?: string | undefined;
  onClose: () => void;
  onSaved?: (unit: Unit) => void;
}

/** Adds a unit, or renames and moves one, from a day on. */
export function UnitDialog({ unit, parentId = "", tree, day, onClose, onSaved }: Props) {
  const { t } = useTranslation("people");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const client = useQueryClient();
  const dayText = useDayText();
  const everywhere = useMe().account.roles.some((role) => !role.unitId);
  const may = (u: Unit | undefined) => u?.may.includes("organisation.write") ?? false;
  // To be moved, it has to be in one's hands where it stands and where it will.
  const movable = !unit || everywhere || (unit.parentId !== undefined && may(tree.get(unit.parentId)));
  const today = dayOf(new Date());
  const form = useForm({
    initial: { name: unit?.name ?? "", code: unit?.code ?? "", parentId: unit?.parentId ?? parentId, position: unit?.position ?? (tree.below(parentId).at(-1)?.position ?? -1) + 1, from: day && day > today ? day : "" },
    validate: (v) => ({ name: v.name.trim() ? undefined : common("required"), code: v.code.trim() ? undefined : common("required"), parentId: !v.parentId && !everywhere && !unit ? t("accounts.needUnit") : undefined }),
    submit: async (v) => {
      const from = v.from && v.from > today ? dayStart(v.from) : undefined;
      const position = Number.isNaN(v.position) ? 0 : v.position;
      const saved = unit
        ? await changeUnit(unit.id, {
            from,
            ...(v.name.trim() !== unit.name && { name: v.name.trim() }),
            ...(v.code.trim() !== unit.code && { code: v.code.trim() }),
            ...(v.parentId !== (unit.parentId ?? "") && { parentId: v.parentId }),
            ...(position !== unit.position && { position }),
          })
        : await addUnit({ name: v.name.trim(), code: v.code.trim(), position, from, ...(v.parentId && { parentId: v.parentId }) });
      await refreshUnits(client);
      toast({ text: from ? t("units.planned", { name: saved.name, day: dayText(v.from) }) : t("units.saved", { name: saved.name }) });
      onClose();
      onSaved?.(saved);
    },
    fieldError: (err) => ({
      code: err.field === "code" ? (err.code === "conflict" ? t("units.codeTaken") : common("refused")) : undefined,
      name: err.field === "name" ? common("refused") : undefined,
      parentId: err.field === "parentId" ? t("units.parentRefused") : undefined,
    }),
  });
  return (
    <Dialog
      title={unit ? t("units.editTitle", { name: unit.name }) : t("units.addTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={unit ? common("saving") : common("adding")} onPress={() => void form.submit()}>
            {unit ? common("save") : t("units.addAct")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid grid-cols-[minmax(0,1fr)] gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <TextField {...form.field("name")} label={t("units.name")} autoFocus autoComplete="off" />
        <TextField {...form.field("code")} label={t("units.code")} hint={unit && form.values.from ? t("units.codeAtOnce") : t("units.codeHint")} autoComplete="off" />
        <UnitPicker
          label={t("units.parent")}
          tree={tree}
          only={(u) => may(u) && (!unit || !tree.within(u.id, unit.id))}
          none={everywhere ? t("units.top") : undefined}
          value={form.values.parentId}
          onChange={(id) => form.set("parentId", id)}
          isDisabled={!movable}
          hint={movable ? undefined : t("units.mayNotParent")}
          error={form.errors.parentId}
        />
        <div className="grid grid-cols-2 gap-3 max-md:grid-cols-1">
          <NumberField label={t("units.position")} hint={t("units.positionHint")} min={0} max={1_000_000} value={form.values.position} onChange={(position) => form.set("position", position)} />
          <DayField {...form.field("from")} label={t("units.from")} optional hint={t("units.fromHint")} />
        </div>
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}
