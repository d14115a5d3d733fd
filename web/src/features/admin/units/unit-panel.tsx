import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay, useMe } from "@/features/account/api";
import { dayOf, dayStart, useDayText } from "@/lib/day";
import { useFormats } from "@/lib/format";
import { Button, TextLink } from "@/ui/button";
import { DayField } from "@/ui/day-field";
import { Detail, Details } from "@/ui/details";
import { ConfirmDialog } from "@/ui/dialog";
import { PanelSection, SidePanel } from "@/ui/drawer";
import { ErrorNotice } from "@/ui/error-notice";
import { Skeleton } from "@/ui/skeleton";
import { Badge } from "@/ui/state";
import { toast } from "@/ui/toast";
import { accountsQuery, holds, postsNow } from "../accounts/api";
import { abolishUnit, periodsQuery, refreshUnits, type Unit } from "./api";
import { useSpanText } from "./span-text";
import { UnitDialog } from "./unit-dialog";
import { type UnitTree, useUnits } from "./unit-tree";

interface Props {
  unit: Unit;
  tree: UnitTree;
  /** It is not there yet. */
  begins: boolean;
  onClose: () => void;
  onAdd: () => void;
}

/** One unit: who is in it, what it was and is to be, and the acts on it. */
export function UnitPanel({ unit, tree, begins, onClose, onAdd }: Props) {
  const { t } = useTranslation("people");
  const format = useFormats();
  const { account } = useMe();
  const mayPeople = useMay("account.read");
  const [asking, setAsking] = useState<"edit" | "abolish" | null>(null);
  const everywhere = account.roles.some((role) => !role.unitId);
  const writable = unit.may.includes("organisation.write");
  const aboveWritable = everywhere || (tree.get(unit.parentId)?.may.includes("organisation.write") ?? false);
  const above = tree.path(unit.id).slice(0, -1);
  return (
    <>
      <SidePanel
        title={unit.name}
        subtitle={above.length > 0 ? above.map((u) => u.name).join(" › ") : undefined}
        onClose={onClose}
        footer={
          writable && (
            <>
              <span className="flex flex-wrap gap-2">
                <Button size="dense" onPress={() => setAsking("edit")}>
                  {t("units.edit")}
                </Button>
                {!begins && (
                  <Button size="dense" onPress={onAdd}>
                    {t("units.addBelow")}
                  </Button>
                )}
              </span>
              <Button tone="danger-quiet" size="dense" disabledReason={!aboveWritable && t("units.mayNotParent")} onPress={() => setAsking("abolish")}>
                {t("units.abolish")}
              </Button>
            </>
          )
        }
      >
        <PanelSection title={t("units.one")}>
          <Details>
            <Detail name={t("units.code")}>{unit.code}</Detail>
            {!begins && (
              <Detail name={t("units.inIt")}>
                {t("units.peopleHere", { count: unit.members, formatted: format.number(unit.members) })}
                <span className="block text-muted">{t("units.peopleNote", { count: unit.within, formatted: format.number(unit.within) })}</span>
              </Detail>
            )}
          </Details>
          {!writable && <p className="mt-3 text-muted">{t("units.mayNot")}</p>}
        </PanelSection>
        {mayPeople && !begins && (
          <PanelSection title={t("units.inIt")}>
            <People unit={unit} />
          </PanelSection>
        )}
        <PanelSection title={t("units.history")}>
          <Periods unit={unit} />
        </PanelSection>
      </SidePanel>
      {asking === "edit" && <UnitDialog unit={unit} tree={tree} day={begins && unit.from ? dayOf(unit.from) : undefined} onClose={() => setAsking(null)} />}
      {asking === "abolish" && <AbolishDialog unit={unit} onClose={() => setAsking(null)} onDone={onClose} />}
    </>
  );
}

/** Whoever is in the unit now, the first of them. */
function People({ unit }: { unit: Unit }) {
  const { t } = useTranslation("people");
  const format = useFormats();
  const people = useInfiniteQuery(accountsQuery({ unit: unit.id, sort: "name" }));
  const units = useUnits();
  if (people.isPending) return <Skeleton />;
  if (people.error) return <ErrorNotice error={people.error} onRetry={() => void people.refetch()} />;
  const items = people.data.pages.flatMap((page) => page.items).slice(0, 20);
  if (items.length === 0) return <p className="text-muted">{t("units.inItNone")}</p>;
  return (
    <>
      <ul className="-mx-2">
        {items.map((a) => {
          const post = postsNow(a).find((p) => p.unitId === unit.id) ?? postsNow(a).find((p) => units.tree.within(p.unitId, unit.id));
          return (
            <li key={a.id}>
              <TextLink to="/admin/accounts" search={{ id: a.id }} className="block rounded-6 px-2 py-1.5 text-default! no-underline! hover:bg-surface-hover">
                <span className="block truncate">{a.name}</span>
                <span className="block truncate text-muted">{format.facts(post && post.unitId !== unit.id && units.name(post.unitId), post?.title) || a.email}</span>
              </TextLink>
            </li>
          );
        })}
      </ul>
      <p className="mt-2">
        <TextLink to="/admin/accounts" search={{ unit: unit.id }}>
          {t("units.showPeople")}
        </TextLink>
      </p>
    </>
  );
}

/** What the unit was, is and is to be, the latest first. */
function Periods({ unit }: { unit: Unit }) {
  const { t } = useTranslation("people");
  const span = useSpanText();
  const units = useUnits();
  const periods = useQuery(periodsQuery(unit.id));
  if (periods.isPending) return <Skeleton />;
  if (periods.error) return <ErrorNotice error={periods.error} onRetry={() => void periods.refetch()} />;
  return (
    <ul className="grid gap-2">
      {[...periods.data.items].reverse().map((period) => (
        <li key={period.from}>
          <span className="flex flex-wrap items-baseline gap-x-2">
            <b>{period.name}</b>
            {holds(period) && <Badge>{t("units.now")}</Badge>}
          </span>
          <span className="block text-muted">{period.parentId ? t("units.under", { name: units.name(period.parentId) }) : t("units.top")}</span>
          <span className="block text-muted">{span(period) || t("units.always")}</span>
        </li>
      ))}
    </ul>
  );
}

/** Ends a unit on a day. */
function AbolishDialog({ unit, onClose, onDone }: { unit: Unit; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation("people");
  const client = useQueryClient();
  const dayText = useDayText();
  const [from, setFrom] = useState("");
  const today = dayOf(new Date());
  return (
    <ConfirmDialog
      title={t("units.abolishTitle", { name: unit.name })}
      confirmLabel={t("units.abolishAct")}
      isOpen
      onClose={onClose}
      onConfirm={async () => {
        const later = from !== "" && from > today;
        await abolishUnit(unit.id, later ? dayStart(from) : undefined);
        await refreshUnits(client);
        toast({ text: later ? t("units.abolishPlanned", { name: unit.name, day: dayText(from) }) : t("units.abolished", { name: unit.name }) });
        if (!later) onDone();
      }}
    >
      <p>{t("units.abolishBody")}</p>
      <DayField label={t("units.from")} optional hint={t("units.fromHint")} value={from} onChange={setFrom} />
    </ConfirmDialog>
  );
}
