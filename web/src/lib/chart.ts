/** What a chart shows: one row per label, one column per series. */
export interface ChartData {
  title: string;
  labels: string[];
  series: { name: string; values: (number | null)[] }[];
}

export type ChartType = "bar" | "line" | "pie";

export interface Chart extends ChartData {
  type: ChartType;
}

/** More than these cannot be told apart, or read. */
const mostSeries = 6;
const mostLabels = 200;

/** Reads delimited text, quoted cells included. */
export function readDelimited(text: string, delimiter = text.includes("\t") ? "\t" : ","): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const endRow = () => {
    row.push(cell.trim());
    if (row.some((c) => c !== "")) rows.push(row);
    row = [];
    cell = "";
  };
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') {
        cell += '"';
        i++;
      } else quoted = false;
    } else if (c === '"' && cell.trim() === "") {
      quoted = true;
      cell = "";
    } else if (c === delimiter) {
      row.push(cell.trim());
      cell = "";
    } else if (c === "\n") endRow();
    else if (c !== "\r") cell += c;
  }
  endRow();
  return rows;
}

/** A number as people write it in tables: 1,234 ／ ▲12 ／ ４５% ／ 3万円 is none. */
export function readNumber(text: string): number | null {
  const plain = text
    .normalize("NFKC")
    .replace(/^[▲△−]/, "-")
    .replace(/[,\s¥$€]/g, "")
    .replace(/(?:%|円|万円|億円|千円|人|件|点|個|台|回|日|時間|分|秒|kg|km|m|m2|℃)$/, "");
  return /^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : null;
}

/** The chart in a table: its first column names the rows, each column of numbers is a series. */
export function chartOfCells(cells: readonly (readonly string[])[]): ChartData | undefined {
  const [header = [], ...body] = cells;
  if (body.length < 2 || body.length > mostLabels) return undefined;
  const series = header.slice(1).flatMap((name, i) => {
    const values = body.map((row) => readNumber(row[i + 1] ?? ""));
    const numbers = values.filter((v) => v !== null).length;
    const words = body.filter((row, r) => values[r] === null && !/^[-―—－]?$/.test(row[i + 1] ?? "")).length;
    return numbers > 0 && words === 0 ? [{ name, values }] : [];
  });
  return series.length > 0 ? { title: header[0] ?? "", labels: body.map((row) => row[0] ?? ""), series: series.slice(0, mostSeries) } : undefined;
}

/**
 * The chart of a ```chart block: JSON ({"type", "title", "labels", "series":
 * [{"name", "values"}]}, or what Chart.js takes), or a table of delimited text
 * whose first line may name the type. Undefined when it is neither.
 */
export function readChart(code: string): Chart | undefined {
  const text = code.trim();
  if (text.startsWith("{")) return fromJson(text);
  const [, type = "bar", rest = text] = /^(?:type\s*[:=]\s*)?(bar|line|pie)\s*\n([\s\S]*)$/.exec(text) ?? [];
  const data = chartOfCells(readDelimited(rest));
  return data && { ...data, type: type as ChartType };
}

function fromJson(text: string): Chart | undefined {
  let spec: unknown;
  try {
    spec = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(spec)) return undefined;
  const data = isRecord(spec.data) ? spec.data : spec;
  const labels = Array.isArray(data.labels) ? data.labels.map(String) : [];
  const sets = Array.isArray(data.series) ? data.series : Array.isArray(data.datasets) ? data.datasets : [];
  if (labels.length === 0 || labels.length > mostLabels) return undefined;
  const series = sets.filter(isRecord).flatMap((set) => {
    const values = Array.isArray(set.values) ? set.values : Array.isArray(set.data) ? set.data : undefined;
    return values ? [{ name: word(set.name) || word(set.label), values: labels.map((_, i) => (typeof values[i] === "number" && Number.isFinite(values[i]) ? values[i] : null)) }] : [];
  });
  if (!series.some((s) => s.values.some((v) => v !== null))) return undefined;
  const type = spec.type === "line" || spec.type === "pie" ? spec.type : "bar";
  return { type, title: word(spec.title), labels, series: series.slice(0, mostSeries) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const word = (value: unknown) => (typeof value === "string" ? value : "");

/** The numbers of a chart as a table, its header first. */
export function cellsOfChart({ title, labels, series }: ChartData): string[][] {
  return [[title, ...series.map((s) => s.name)], ...labels.map((label, i) => [label, ...series.map((s) => s.values[i]?.toString() ?? "")])];
}

/** Whether the parts of a whole can be drawn. */
export function canBePie({ labels, series }: ChartData): boolean {
  return series.length === 1 && labels.length <= 12 && series.every((s) => s.values.every((v) => v !== null && v >= 0) && s.values.some((v) => v !== null && v > 0));
}

/** Round steps for an axis that holds all values and zero. */
export function axisTicks(values: readonly number[], count = 5): number[] {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? power * 10;
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
