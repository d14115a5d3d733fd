import { Download, PanelRight, Table2 } from "lucide-react";
import { useId, useState } from "react";
import { ToggleButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { type Chart, type ChartData, axisTicks, cellsOfChart } from "@/lib/chart";
import { cx } from "@/lib/cx";
import { downloadText } from "@/lib/download";
import { useFormats } from "@/lib/format";
import { numericColumns, toCsv } from "@/lib/markdown";
import { IconButton, buttonClass } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { useBeside } from "./beside";
import { BlockFrame } from "./block-frame";

/** A chart in an answer, with its table behind it. */
export function ChartView({ chart, source }: { chart: Chart; source: string }) {
  const { t } = useTranslation("markdown");
  const beside = useBeside();
  const [table, setTable] = useState(false);
  const cells = cellsOfChart(chart);
  return (
    <BlockFrame
      label={chart.title || t("chart")}
      actions={
        <>
          <ToggleButton isSelected={table} onChange={setTable} className={cx(buttonClass("quiet", "dense"), "text-muted data-[selected]:bg-surface-selected data-[selected]:text-default")}>
            <Icon of={Table2} size={16} />
            {t("table")}
          </ToggleButton>
          <IconButton icon={Download} iconSize={16} size="dense" label={t("tableDownload")} onPress={() => downloadText(t("tableFile"), "text/csv", toCsv(cells))} />
          {beside && <IconButton icon={PanelRight} iconSize={16} size="dense" label={t("beside")} onPress={() => beside({ kind: "chart", source })} />}
        </>
      }
    >
      {table ? (
        <CellsTable cells={cells} />
      ) : (
        <div className="p-4">
          <ChartDrawing chart={chart} />
        </div>
      )}
    </BlockFrame>
  );
}

/** Cells as a table that scrolls inside itself. */
export function CellsTable({ cells }: { cells: readonly string[][] }) {
  const { t } = useTranslation("markdown");
  const [header = [], ...body] = cells;
  const numeric = numericColumns(cells as string[][]);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it
    <div className="prose-table" tabIndex={0} role="region" aria-label={t("table")}>
      <table>
        <thead>
          <tr>
            {header.map((cell, i) => (
              <th key={i} scope="col" className={cx(numeric[i] && "prose-right")}>
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((row, r) => (
            <tr key={r}>
              {header.map((_, i) => (
                <td key={i} className={cx(numeric[i] && "prose-right")}>
                  {row[i]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How each series or slice is told apart without colour: by its fill, dashes and marks. */
const dashes = ["", "7 4", "2 3", "10 3 2 3", "1 5", "14 4"];

/** A chart as a picture, read out as what it shows. The numbers stand in the table. */
export function ChartDrawing({ chart }: { chart: Chart }) {
  const { t } = useTranslation("markdown");
  const id = useId();
  const label = t("chartOf", { name: chart.title || chart.series.map((s) => s.name).join(", ") });
  return (
    <figure className="grid grid-cols-[minmax(0,1fr)] gap-3 text-14">
      {/* Numbers that cannot be read are none: where there is little room, the picture scrolls. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it */}
      <div tabIndex={0} role="region" aria-label={t("chart")} className="min-w-0 overflow-x-auto [scrollbar-width:thin]">
      <svg role="img" aria-label={label} viewBox={chart.type === "pie" ? "0 0 640 300" : "0 0 640 340"} className="h-auto w-full max-w-[45rem] min-w-[34rem] fill-(--text) font-sans text-[13px]">
        <Patterns id={id} />
        {chart.type === "pie" ? <Pie chart={chart} id={id} /> : <Axes chart={chart} id={id} />}
      </svg>
      </div>
      {chart.type !== "pie" && chart.series.length > 1 && (
        <ul className="flex flex-wrap gap-x-5 gap-y-1">
          {chart.series.map((s, i) => (
            <li key={i} className="inline-flex items-center gap-2">
              <svg aria-hidden="true" viewBox="0 0 28 14" className="h-3.5 w-7">
                <Patterns id={`${id}k${i}`} />
                {chart.type === "bar" ? <rect x="7" y="0.5" width="13" height="13" fill={fill(`${id}k${i}`, i)} stroke="var(--text)" /> : <LineMark series={i} x={14} y={7} line />}
              </svg>
              {s.name}
            </li>
          ))}
        </ul>
      )}
    </figure>
  );
}

const fill = (id: string, i: number) => `url(#${id}-${i % 6})`;

function Patterns({ id }: { id: string }) {
  const ink = "var(--accent)";
  const ground = "var(--surface)";
  const lines = [
    <rect key="0" width="8" height="8" fill={ink} />,
    <path key="1" d="M-2 2L2 -2M0 8L8 0M6 10L10 6" stroke={ink} strokeWidth="1.6" />,
    <circle key="2" cx="4" cy="4" r="1.7" fill={ink} />,
    <path key="3" d="M0 0L8 8M8 0L0 8" stroke={ink} strokeWidth="1.1" />,
    <path key="4" d="M0 4H8" stroke={ink} strokeWidth="2" />,
    <g key="5" />,
  ];
  return (
    <defs>
      {lines.map((line, i) => (
        <pattern key={i} id={`${id}-${i}`} width="8" height="8" patternUnits="userSpaceOnUse">
          <rect width="8" height="8" fill={ground} />
          {line}
        </pattern>
      ))}
    </defs>
  );
}

function LineMark({ series, x, y, line }: { series: number; x: number; y: number; line?: boolean }) {
  const shape = series % 4;
  const paint = { fill: series % 2 === 0 ? "var(--accent)" : "var(--surface)", stroke: "var(--accent)", strokeWidth: 1.5 };
  return (
    <>
      {line && <path d={`M${x - 14} ${y}H${x + 14}`} stroke="var(--accent)" strokeWidth="2" strokeDasharray={dashes[series % 6]} />}
      {shape === 0 && <circle cx={x} cy={y} r="3.5" {...paint} />}
      {shape === 1 && <rect x={x - 3.5} y={y - 3.5} width="7" height="7" {...paint} />}
      {shape === 2 && <path d={`M${x} ${y - 4.5}L${x + 4.5} ${y + 3.5}H${x - 4.5}Z`} {...paint} />}
      {shape === 3 && <path d={`M${x} ${y - 5}L${x + 5} ${y}L${x} ${y + 5}L${x - 5} ${y}Z`} {...paint} />}
    </>
  );
}

const plot = { left: 68, right: 632, top: 26, bottom: 292 };

function Axes({ chart, id }: { chart: Chart; id: string }) {
  const format = useFormats();
  const { labels, series, type } = chart;
  const ticks = axisTicks(series.flatMap((s) => s.values.filter((v) => v !== null)));
  const low = ticks[0] ?? 0;
  const high = ticks[ticks.length - 1] ?? 1;
  const y = (v: number) => plot.bottom - ((v - low) / (high - low)) * (plot.bottom - plot.top);
  const slot = (plot.right - plot.left) / labels.length;
  const x = (i: number) => plot.left + slot * (i + 0.5);
  const number = (v: number) => (Number.isInteger(v) ? format.number(v) : String(v));
  // Labels that would run into each other are left out; the table has them all.
  const room = slot / 13;
  const every = Math.max(1, Math.ceil(Math.min(6, Math.max(...labels.map((l) => l.length))) / Math.max(0.5, room)));
  const cut = (text: string) => (text.length > Math.max(6, room * every) ? `${text.slice(0, Math.max(5, Math.floor(room * every) - 1))}…` : text);
  const bar = Math.min(56, (slot * 0.72) / series.length);
  const said = series.length * labels.length <= 16;
  return (
    <>
      {ticks.map((tick) => (
        <g key={tick}>
          <path d={`M${plot.left} ${y(tick)}H${plot.right}`} stroke={tick === 0 ? "var(--border-control)" : "var(--border)"} />
          <text x={plot.left - 8} y={y(tick) + 4} textAnchor="end" className="fill-(--text-muted) tabular-nums">
            {number(tick)}
          </text>
        </g>
      ))}
      {labels.map((label, i) =>
        i % every === 0 ? (
          <text key={i} x={x(i)} y={plot.bottom + 22} textAnchor="middle" className="fill-(--text-muted)">
            {cut(label)}
          </text>
        ) : null,
      )}
      {series.map((s, n) =>
        type === "line" ? (
          <g key={n}>
            <path d={linePath(s.values, x, y)} fill="none" stroke="var(--accent)" strokeWidth="2" strokeDasharray={dashes[n % 6]} />
            {s.values.map((v, i) => v !== null && <LineMark key={i} series={n} x={x(i)} y={y(v)} />)}
          </g>
        ) : (
          <g key={n}>
            {s.values.map((v, i) => {
              if (v === null) return null;
              const left = x(i) - (bar * series.length) / 2 + bar * n;
              const top = Math.min(y(v), y(0));
              return <rect key={i} x={left + 1} y={top} width={Math.max(1, bar - 2)} height={Math.max(0.5, Math.abs(y(v) - y(0)))} fill={fill(id, n)} stroke="var(--accent)" />;
            })}
          </g>
        ),
      )}
      {said &&
        series.map((s, n) =>
          s.values.map((v, i) =>
            v === null ? null : (
              <text key={`${n}-${i}`} x={type === "line" ? x(i) : x(i) - (bar * series.length) / 2 + bar * (n + 0.5)} y={v >= 0 ? y(v) - 7 : y(v) + 16} textAnchor="middle" className="tabular-nums">
                {number(v)}
              </text>
            ),
          ),
        )}
    </>
  );
}

function linePath(values: readonly (number | null)[], x: (i: number) => number, y: (v: number) => number): string {
  let pen = "M";
  return values
    .map((v, i) => {
      if (v === null) {
        pen = "M";
        return "";
      }
      const point = `${pen}${x(i)} ${y(v)}`;
      pen = "L";
      return point;
    })
    .join("");
}

function Pie({ chart, id }: { chart: ChartData; id: string }) {
  const format = useFormats();
  const values = chart.labels.map((_, i) => Math.max(0, chart.series[0]?.values[i] ?? 0));
  const total = values.reduce((a, b) => a + b, 0) || 1;
  const centre = { x: 150, y: 150, r: 128 };
  const at = (share: number, r: number) => `${centre.x + r * Math.sin(2 * Math.PI * share)} ${centre.y - r * Math.cos(2 * Math.PI * share)}`;
  const starts = values.map((_, i) => values.slice(0, i).reduce((a, b) => a + b, 0) / total);
  const line = Math.min(26, 280 / values.length);
  return (
    <>
      {values.map((v, i) => {
        const from = starts[i] ?? 0;
        const share = v / total;
        if (share === 0) return null;
        const shape = share > 0.9999 ? `M${at(0, centre.r)}A${centre.r} ${centre.r} 0 1 1 ${at(0.5, centre.r)}A${centre.r} ${centre.r} 0 1 1 ${at(1, centre.r)}Z` : `M${centre.x} ${centre.y}L${at(from, centre.r)}A${centre.r} ${centre.r} 0 ${share > 0.5 ? 1 : 0} 1 ${at(from + share, centre.r)}Z`;
        const [tx = "0", ty = "0"] = at(from + share / 2, centre.r * 0.68).split(" ");
        return (
          <g key={i}>
            <path d={shape} fill={fill(id, i)} stroke="var(--text)" />
            {share >= 0.04 && (
              <>
                <circle cx={tx} cy={ty} r="11" fill="var(--surface)" stroke="var(--text)" />
                <text x={tx} y={Number(ty) + 4.5} textAnchor="middle">
                  {i + 1}
                </text>
              </>
            )}
          </g>
        );
      })}
      {values.map((v, i) => (
        <g key={i}>
          <text x="312" y={28 + i * line} textAnchor="end" className="fill-(--text-muted) tabular-nums">
            {i + 1}
          </text>
          <text x="322" y={28 + i * line}>
            {(chart.labels[i] ?? "").length > 15 ? `${(chart.labels[i] ?? "").slice(0, 14)}…` : chart.labels[i]}
          </text>
          <text x="632" y={28 + i * line} textAnchor="end" className="tabular-nums">
            {`${Number.isInteger(v) ? format.number(v) : v} (${((100 * v) / total).toFixed(1)}%)`}
          </text>
        </g>
      ))}
    </>
  );
}
