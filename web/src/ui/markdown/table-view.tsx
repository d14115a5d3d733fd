import type { Table, TableCell } from "mdast";
import { Copy, Download, PanelRight } from "lucide-react";
import { type ReactNode, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { announce } from "@/lib/announce";
import { cx } from "@/lib/cx";
import { downloadText } from "@/lib/download";
import { copyRich, numericColumns, tableCells, tableHtml, toCsv, toTsv } from "@/lib/markdown";
import { Button, IconButton } from "@/ui/button";
import { toast } from "@/ui/toast";
import { tablePlace, useBeside } from "./beside";
import { BlockFrame } from "./block-frame";

interface Props {
  table: Table;
  growing: boolean;
  /** The words of a cell; `last` is the one being written. */
  renderCell: (cell: TableCell, last: boolean) => ReactNode;
}

/** A table that scrolls inside itself and goes to a spreadsheet as it is. */
export function TableView({ table, growing, renderCell }: Props) {
  const { t } = useTranslation("markdown");
  const cells = useMemo(() => tableCells(table), [table]);
  const numeric = useMemo(() => numericColumns(cells), [cells]);
  const beside = useBeside();
  const frame = useRef<HTMLElement>(null);
  const [header, ...body] = table.children;
  if (!header) return null;
  const lastRow = table.children.length - 1;

  const copy = async () => {
    if (await copyRich(toTsv(cells), tableHtml(cells))) toast({ text: t("tableCopied") });
    else toast({ tone: "danger", text: t("copyFailed") });
    announce(t("tableCopied"));
  };
  const align = (column: number) => {
    const given = table.align?.[column];
    return cx((given === "right" || (!given && numeric[column])) && "prose-right", given === "center" && "text-center");
  };

  return (
    <BlockFrame
      ref={frame}
      isTable
      label={t("tableSize", { count: body.length })}
      actions={
        <>
          <Button tone="quiet" size="dense" icon={Download} aria-label={t("tableDownload")} className="max-md:hidden" onPress={() => downloadText(t("tableFile"), "text/csv", toCsv(cells))}>
            {t("csv")}
          </Button>
          <Button tone="quiet" size="dense" icon={Copy} aria-label={t("tableCopy")} onPress={() => void copy()}>
            {t("copy")}
          </Button>
          {beside && !growing && <IconButton icon={PanelRight} iconSize={16} size="dense" label={t("beside")} onPress={() => beside({ kind: "table", cells, place: tablePlace(frame.current) })} />}
        </>
      }
    >
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it */}
      <div className="prose-table" tabIndex={0} role="region" aria-label={t("table")}>
        <table>
          <thead>
            <tr>
              {header.children.map((cell, column) => (
                <th key={column} scope="col" className={align(column)}>
                  {renderCell(cell, growing && lastRow === 0 && column === header.children.length - 1)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {body.map((row, i) => (
              <tr key={i}>
                {header.children.map((_, column) => {
                  const cell = row.children[column];
                  return (
                    <td key={column} className={align(column)}>
                      {cell && renderCell(cell, growing && i + 1 === lastRow && column === row.children.length - 1)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </BlockFrame>
  );
}
