import { ArrowDown, ArrowUp } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { Button } from "./button";
import { Checkbox } from "./choice";
import { ErrorNotice } from "./error-notice";
import { Icon } from "./icon";
import { Bar } from "./skeleton";

export interface Column<Row> {
  id: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** A Tailwind width; columns without one share the rest. */
  width?: string;
  align?: "end";
  sortable?: boolean;
  /** Leaves the column out while the table is narrower than 36, 48, 60 or 76 rem. */
  from?: "narrow" | "middle" | "wide" | "widest";
}

export interface Sort {
  column: string;
  direction: "ascending" | "descending";
}

interface Props<Row> {
  /** What the table lists, for those who do not see the page around it. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  /** The words for one row, used in the names of its controls. */
  rowName: (row: Row) => string;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  selected?: ReadonlySet<string>;
  onSelect?: (selected: Set<string>) => void;
  /** The row whose details are open. */
  currentKey?: string;
  onOpen?: (row: Row) => void;
  isPending?: boolean;
  error?: unknown;
  onRetry?: () => void;
  empty?: ReactNode;
  /** Stands in a column of text, whose edges it shares. */
  flush?: boolean;
  className?: string;
}

const from = { narrow: "@max-[36rem]:hidden", middle: "@max-[48rem]:hidden", wide: "@max-[60rem]:hidden", widest: "@max-[76rem]:hidden" };

/**
 * A dense list that does work: sorted, selected, opened. An ordinary table
 * for assistive technology; the name in the first column is the way in, and a
 * click anywhere in the row is a short cut to it.
 */
export function Table<Row>({ label, columns, rows, rowKey, rowName, sort, onSort, selected, onSelect, currentKey, onOpen, isPending, error, onRetry, empty, flush, className }: Props<Row>) {
  const { t } = useTranslation("ui");
  const shown = rows.map(rowKey);
  const chosen = shown.filter((key) => selected?.has(key)).length;
  const cell = (c: Column<Row>) => cx("px-3", flush ? "first:pl-0 last:pr-0" : "first:pl-6 last:pr-6 max-md:first:pl-4 max-md:last:pr-4", c.align === "end" && "text-right tabular-nums", c.from && from[c.from]);

  const toggle = (key: string, on: boolean) => {
    const next = new Set(selected);
    if (on) next.add(key);
    else next.delete(key);
    onSelect?.(next);
  };

  if (error && rows.length === 0) return <ErrorNotice error={error} onRetry={onRetry} className={flush ? "my-4" : "mx-6 my-4 max-md:mx-4"} />;
  if (!isPending && rows.length === 0) return <>{empty}</>;

  return (
    <div role="region" aria-label={label} aria-busy={isPending} tabIndex={-1} className={cx("@container min-h-0 overflow-auto", className)}>
      <table className="w-full table-fixed border-separate border-spacing-0 text-14">
        <thead>
          <tr>
            {onSelect && (
              <th scope="col" className="sticky top-0 z-10 h-row-head w-14 border-b border-strong bg-surface pl-4 text-left max-md:pl-2">
                <Checkbox
                  aria-label={t("selectAll")}
                  isSelected={chosen > 0 && chosen === shown.length}
                  isIndeterminate={chosen > 0 && chosen < shown.length}
                  onChange={(on) => onSelect(new Set(on ? shown : []))}
                />
              </th>
            )}
            {columns.map((c) => {
              const sorted = sort?.column === c.id ? sort.direction : undefined;
              return (
                <th
                  key={c.id}
                  scope="col"
                  aria-sort={c.sortable ? (sorted ?? "none") : undefined}
                  className={cx("sticky top-0 z-10 h-row-head border-b border-strong bg-surface text-left font-normal whitespace-nowrap text-muted", cell(c), c.width)}
                >
                  {c.sortable && onSort ? (
                    <button
                      type="button"
                      onClick={() => onSort({ column: c.id, direction: sorted === "ascending" ? "descending" : "ascending" })}
                      className={cx("inline-flex min-h-9 items-center gap-1 rounded-4 hover:text-default", sorted && "font-bold text-default")}
                    >
                      {c.header}
                      {sorted && <Icon of={sorted === "ascending" ? ArrowUp : ArrowDown} size={16} />}
                    </button>
                  ) : (
                    c.header
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {isPending && rows.length === 0
            ? Array.from({ length: 8 }, (_, i) => (
                <tr key={i} aria-hidden="true" className="animate-appear-late">
                  {onSelect && <td className="h-row border-b border-rule" />}
                  {columns.map((c) => (
                    <td key={c.id} className={cx("h-row border-b border-rule", cell(c))}>
                      <Bar className={cx("inline-block", i % 3 === 0 ? "w-4/5" : i % 3 === 1 ? "w-3/5" : "w-2/3")} />
                    </td>
                  ))}
                </tr>
              ))
            : rows.map((row) => {
                const key = rowKey(row);
                const current = key === currentKey;
                return (
                  // The keyboard's way in is the control in the first cell; this is the mouse's short cut.
                  <tr
                    key={key}
                    aria-current={current || undefined}
                    onClick={(event) => {
                      if (onOpen && !(event.target as HTMLElement).closest("a,button,input,label") && !window.getSelection()?.toString()) onOpen(row);
                    }}
                    className={cx(
                      "hover:bg-surface-hover",
                      onOpen && "cursor-pointer",
                      current ? "bg-accent-soft hover:bg-accent-soft" : selected?.has(key) && "bg-surface-raised",
                    )}
                  >
                    {onSelect && (
                      <td className={cx("h-row border-b border-rule pl-4 max-md:pl-2", current && "shadow-[inset_3px_0_0_var(--accent)]")}>
                        <Checkbox aria-label={t("selectNamed", { name: rowName(row) })} isSelected={selected?.has(key) ?? false} onChange={(on) => toggle(key, on)} />
                      </td>
                    )}
                    {columns.map((c, i) => (
                      <td key={c.id} className={cx("h-row truncate border-b border-rule", cell(c), i === 0 && current && !onSelect && "shadow-[inset_3px_0_0_var(--accent)]")}>
                        {i === 0 && onOpen ? (
                          <button type="button" onClick={() => onOpen(row)} className="max-w-full truncate rounded-4 py-1 align-middle font-bold hover:underline">
                            {c.cell(row)}
                          </button>
                        ) : (
                          c.cell(row)
                        )}
                      </td>
                    ))}
                  </tr>
                );
              })}
        </tbody>
      </table>
    </div>
  );
}

interface MoreProps {
  /** How many are shown, and of how many where that is known. */
  text: string;
  hasMore: boolean;
  isPending: boolean;
  onMore: () => void;
}

/** The foot of a list that comes in pieces. */
export function More({ text, hasMore, isPending, onMore }: MoreProps) {
  const { t } = useTranslation("ui");
  return (
    <div className="flex min-h-13 flex-none items-center justify-between gap-2 border-t border-rule px-6 text-14 max-md:px-4">
      <span className="text-muted tabular-nums">{text}</span>
      {hasMore && (
        <Button size="dense" isPending={isPending} pendingLabel={t("loadingMore")} onPress={onMore}>
          {t("loadMore")}
        </Button>
      )}
    </div>
  );
}
