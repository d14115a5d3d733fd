import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ChevronRight, Network, Plus } from "lucide-react";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay, useMe } from "@/features/account/api";
import { cx } from "@/lib/cx";
import { dayOf, nextApril } from "@/lib/day";
import { useFormats } from "@/lib/format";
import { matches } from "@/lib/match";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/choice";
import { DayField } from "@/ui/day-field";
import { Empty, NoMatch } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { Icon } from "@/ui/icon";
import { Page, Scroll } from "@/ui/page";
import { Bar, Skeleton } from "@/ui/skeleton";
import { SearchField } from "@/ui/text-field";
import { plannedQuery, type Unit, unitsQuery } from "./api";
import { usePlanText } from "./plan-text";
import { UnitDialog } from "./unit-dialog";
import { UnitPanel } from "./unit-panel";
import { UnitTree } from "./unit-tree";

/** The organisation: its units as they are on a day, and what is planned for them. */
export function OrganisationPage() {
  const { t } = useTranslation("people");
  const format = useFormats();
  const search = useSearch({ from: "/admin/organisation" });
  const navigate = useNavigate({ from: "/admin/organisation" });
  const { account } = useMe();
  const mayWrite = useMay("organisation.write");
  const units = useQuery(unitsQuery(search.at));
  const planned = useQuery(plannedQuery(search.at));
  const [typed, setTyped] = useState(search.q ?? "");
  const [whole, setWhole] = useState(false);
  const [adding, setAdding] = useState<{ parentId: string }>();
  const open = (id?: string) => void navigate({ search: (old) => ({ ...old, id }) });

  const items = units.data?.items;
  const soon = planned.data?.items;
  const { tree, begins, part } = useMemo(() => {
    const now = items ?? [];
    const known = new Set(now.map((u) => u.id));
    // What is not there yet stands where it will be, once: as it is to begin.
    const first = new Map<string, Unit>();
    for (const u of soon ?? []) if (!known.has(u.id) && !first.has(u.id)) first.set(u.id, u);
    const together = new UnitTree([...now, ...first.values()].sort((a, b) => a.position - b.position)); // those of one place stay as they came
    const mine = now.filter((u) => u.may.includes("organisation.write"));
    // Whoever looks after a part sees that, under what is above it.
    const part = mine.length > 0 && mine.length < now.length ? new Set(mine.flatMap((u) => together.path(u.id).map((above) => above.id))) : undefined;
    return { tree: together, begins: new Set(first.keys()), part };
  }, [items, soon]);
  const current = tree.get(search.id);
  const wanted = typed.trim();
  const everywhere = account.roles.some((role) => !role.unitId);
  const addButton = mayWrite && everywhere && (
    <Button tone="primary" size="dense" icon={Plus} onPress={() => setAdding({ parentId: "" })}>
      {items?.length === 0 && !search.at ? t("units.addFirst") : t("units.add")}
    </Button>
  );
  const shows = (u: Unit) => !part || whole || part.has(u.id) || (u.parentId !== undefined && part.has(u.parentId) && begins.has(u.id));
  const today = dayOf(new Date());

  return (
    <div className="flex min-h-0 flex-1">
      <Page title={t("units.title")} aside={items && items.length > 0 ? t("units.count", { count: items.length, formatted: format.number(items.length) }) : undefined} actions={items && items.length > 0 && addButton}>
        {(items === undefined || items.length > 0 || search.at) && (
          <div className="flex flex-none flex-wrap items-end gap-x-4 gap-y-2 px-6 pb-3 max-md:px-4">
            <SearchField label={t("units.search")} placeholder={t("units.searchHint")} value={typed} onChange={setTyped} className="w-56 max-md:w-full" />
            <div className="flex items-end gap-2">
              <DayField label={t("units.asOf")} size="dense" value={search.at ?? today} onChange={(at) => void navigate({ search: (old) => ({ ...old, at: at === today ? undefined : at || undefined }), replace: true })} />
              <Button size="dense" tone="quiet" isDisabled={!search.at} onPress={() => void navigate({ search: (old) => ({ ...old, at: undefined }), replace: true })}>
                {t("units.today")}
              </Button>
              <Button size="dense" tone="quiet" onPress={() => void navigate({ search: (old) => ({ ...old, at: nextApril() }), replace: true })}>
                {t("units.april")}
              </Button>
            </div>
            {part && (
              <Checkbox isSelected={whole} onChange={setWhole}>
                {t("units.whole")}
              </Checkbox>
            )}
          </div>
        )}
        <Scroll>
          {units.isPending ? (
            <Skeleton className="px-6">
              <div className="grid gap-4">
                {[40, 60, 52, 44, 60, 48].map((width, i) => (
                  <Bar key={i} className={cx("h-5", width > 50 ? "w-2/3" : "w-1/2")} />
                ))}
              </div>
            </Skeleton>
          ) : units.error && !items ? (
            <ErrorNotice error={units.error} onRetry={() => void units.refetch()} className="mx-6 max-md:mx-4" />
          ) : tree.below().length === 0 ? (
            <Empty icon={Network} title={search.at ? t("units.emptyThen") : t("units.empty")} actions={addButton}>
              {!search.at && t("units.emptyHint")}
            </Empty>
          ) : (
            <Tree tree={tree} begins={begins} soon={soon ?? []} shows={shows} openAtFirst={part} wanted={wanted} current={search.id} onOpen={open} onClear={() => setTyped("")} />
          )}
        </Scroll>
      </Page>
      {current && <UnitPanel key={`${current.id} ${search.at ?? ""}`} unit={current} tree={tree} begins={begins.has(current.id)} onClose={() => open()} onAdd={() => setAdding({ parentId: current.id })} />}
      {adding && <UnitDialog parentId={adding.parentId} tree={tree} day={search.at} onClose={() => setAdding(undefined)} onSaved={(u) => open(u.id)} />}
    </div>
  );
}

interface TreeProps {
  tree: UnitTree;
  /** Those that are yet to begin. */
  begins: ReadonlySet<string>;
  soon: readonly Unit[];
  shows: (unit: Unit) => boolean;
  /** Those of whoever looks after a part, and what is above. */
  openAtFirst: ReadonlySet<string> | undefined;
  wanted: string;
  current: string | undefined;
  onOpen: (id: string) => void;
  onClear: () => void;
}

/** The tree, as the WAI-ARIA pattern has it: one stop for Tab, the arrows go through it, Enter opens a unit beside it. */
function Tree({ tree, begins, soon, shows, openAtFirst, wanted, current, onOpen, onClear }: TreeProps) {
  const { t } = useTranslation("people");
  const format = useFormats();
  const planText = usePlanText(tree, soon);
  // Divisions are seen at first; whoever comes with a unit in the address sees where it stands.
  const [opened, setOpened] = useState<ReadonlySet<string>>(() => openAtFirst ?? new Set(tree.flat().length <= 40 ? tree.flat().map(({ unit }) => unit.id) : tree.path(current).slice(0, -1).map((u) => u.id)));
  const [at, setAt] = useState(current);
  const list = useRef<HTMLDivElement>(null);

  const hits = useMemo(() => {
    if (wanted === "") return undefined;
    const found = new Set<string>();
    for (const { unit } of tree.flat()) if (matches(`${unit.name} ${unit.code}`, wanted)) for (const above of tree.path(unit.id)) found.add(above.id);
    return found;
  }, [tree, wanted]);
  const isOpen = (u: Unit) => hits !== undefined || opened.has(u.id);
  const seen = (u: Unit) => shows(u) && (hits === undefined || hits.has(u.id));
  const rows = tree.flat(isOpen).filter(({ unit }) => tree.path(unit.id).every(seen));
  const stop = rows.some(({ unit }) => unit.id === at) ? at : rows[0]?.unit.id;

  const go = (id: string | undefined) => {
    if (id === undefined) return;
    setAt(id);
    list.current?.querySelector<HTMLElement>(`[data-unit="${id}"]`)?.focus();
  };
  const toggle = (id: string, open: boolean) =>
    setOpened((old) => {
      const next = new Set(old);
      if (open) next.add(id);
      else next.delete(id);
      return next;
    });

  const typing = useRef({ text: "", at: 0 });
  const onKeyDown = (event: KeyboardEvent, { unit }: { unit: Unit }) => {
    const here = rows.findIndex((row) => row.unit.id === unit.id);
    const below = tree.below(unit.id).filter(seen);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    switch (event.key) {
      case "ArrowDown":
        go(rows[here + 1]?.unit.id);
        break;
      case "ArrowUp":
        go(rows[here - 1]?.unit.id);
        break;
      case "Home":
        go(rows[0]?.unit.id);
        break;
      case "End":
        go(rows.at(-1)?.unit.id);
        break;
      case "ArrowRight":
        if (below.length > 0 && !isOpen(unit)) toggle(unit.id, true);
        else go(below[0]?.id);
        break;
      case "ArrowLeft":
        if (below.length > 0 && isOpen(unit) && hits === undefined) toggle(unit.id, false);
        else go(tree.above(unit));
        break;
      case "*":
        setOpened((old) => new Set([...old, ...tree.below(unit.parentId).map((u) => u.id)]));
        break;
      case "Enter":
      case " ":
        onOpen(unit.id);
        break;
      default: {
        if (event.key.length !== 1) return;
        const text = event.timeStamp - typing.current.at < 600 ? typing.current.text + event.key : event.key;
        typing.current = { text, at: event.timeStamp };
        const rest = [...rows.slice(here + (text.length === 1 ? 1 : 0)), ...rows];
        go(rest.find((row) => row.unit.name.startsWith(text) || row.unit.code.startsWith(text))?.unit.id);
      }
    }
    event.preventDefault();
  };

  if (rows.length === 0) return <NoMatch title={t("units.noMatch")} onClear={onClear} />;
  return (
    <>
      {hits === undefined && (
        <div className="flex gap-1 px-5 pb-1 max-md:px-3">
          <Button tone="quiet" size="dense" onPress={() => setOpened(new Set(tree.flat().map(({ unit }) => unit.id)))}>
            {t("units.expandAll")}
          </Button>
          <Button tone="quiet" size="dense" onPress={() => setOpened(new Set())}>
            {t("units.collapseAll")}
          </Button>
        </div>
      )}
      <div role="tree" aria-label={t("units.tree")} ref={list} className="px-3 pb-8 max-md:px-1">
        {rows.map((row) => {
          const { unit, depth } = row;
          const siblings = tree.below(tree.above(unit)).filter(seen);
          const below = tree.below(unit.id).some(seen);
          const plans = planText(unit, begins.has(unit.id));
          return (
            <div
              key={unit.id}
              role="treeitem"
              data-unit={unit.id}
              aria-level={depth + 1}
              aria-setsize={siblings.length}
              aria-posinset={siblings.indexOf(unit) + 1}
              aria-expanded={below ? isOpen(unit) : undefined}
              aria-selected={unit.id === current}
              tabIndex={unit.id === stop ? 0 : -1}
              onKeyDown={(event) => onKeyDown(event, row)}
              onFocus={() => setAt(unit.id)}
              onClick={(event) => {
                if ((event.target as HTMLElement).closest("[data-toggle]")) toggle(unit.id, !isOpen(unit));
                else onOpen(unit.id);
              }}
              style={{ paddingLeft: `${depth * 1.5}rem` }}
              className={cx("flex min-h-row cursor-pointer items-center gap-1 rounded-6 pr-3 text-14 hover:bg-surface-hover pointer-coarse:min-h-11", unit.id === current && "bg-accent-soft hover:bg-accent-soft", begins.has(unit.id) && "text-muted")}
            >
              <span data-toggle={below || undefined} aria-hidden="true" className={cx("grid size-9 flex-none place-items-center rounded-4 pointer-coarse:size-11", below && hits === undefined && "hover:bg-surface-selected")}>
                {below && <Icon of={ChevronRight} size={16} className={cx("transition-transform", isOpen(unit) && "rotate-90")} />}
              </span>
              <span className="flex min-w-0 flex-1 flex-wrap items-baseline gap-x-3 py-1">
                <span className={cx("min-w-0 [overflow-wrap:anywhere]", depth === 0 && "font-bold")}>{unit.name}</span>
                <span className="text-muted tabular-nums">{unit.code}</span>
                {plans.map((plan) => (
                  <span key={plan} className="rounded-4 border border-warning bg-warning-soft px-1.5 text-warning">
                    {plan}
                  </span>
                ))}
              </span>
              {!begins.has(unit.id) && <span className="flex-none text-right text-muted tabular-nums">{t("units.people", { count: unit.within, formatted: format.number(unit.within) })}</span>}
            </div>
          );
        })}
      </div>
    </>
  );
}
