import { useTranslation } from "react-i18next";
import { dayOf, lastDayOf, useDayText } from "@/lib/day";
import type { Unit } from "./api";
import type { UnitTree } from "./unit-tree";

/** Gives the words for what is planned for a unit, after the day that is looked at. */
export function usePlanText(tree: UnitTree, soon: readonly Unit[]): (unit: Unit, begins: boolean) => string[] {
  const { t } = useTranslation("people");
  const dayText = useDayText();
  const name = (id: string) => tree.get(id)?.name ?? soon.find((u) => u.id === id)?.name ?? t("units.gone");
  return (unit, begins) => {
    const plans: string[] = [];
    if (begins && unit.from) plans.push(t("units.willBegin", { day: dayText(dayOf(unit.from)) }));
    for (let is = unit; is.until; ) {
      const next = soon.find((u) => u.id === is.id && u.from === is.until);
      if (!next) {
        plans.push(t("units.willEnd", { day: dayText(lastDayOf(is.until)) }));
        break;
      }
      const day = dayText(dayOf(is.until));
      const before = plans.length;
      if (next.name !== is.name) plans.push(t("units.willBeNamed", { day, name: next.name }));
      if (next.parentId !== is.parentId) plans.push(next.parentId ? t("units.willMove", { day, name: name(next.parentId) }) : t("units.willMoveTop", { day }));
      if (plans.length === before) plans.push(t("units.willChange", { day }));
      is = next;
    }
    return plans;
  };
}
