import { looksLikeMath } from "./math-syntax";

/**
 * Completes what a model has only half written, so that the end of a growing
 * answer looks the way it will: bold is bold before its closing asterisks come,
 * a table is a table from its first cell, a link shows its words and not its
 * address. Only the end of `source` changes; everything before keeps its place.
 */
export function completeTail(source: string): string {
  const start = lastBlockStart(source);
  const head = source.slice(0, start);
  let tail = source.slice(start);
  const fence = openFence(tail);
  if (fence) return head + hideHalfFence(tail, fence);
  tail = hideHalfDefinition(hideHalfMarker(tail));
  const table = completeTable(tail);
  if (table !== undefined) return head + table;
  return head + closeInline(tail);
}

/** The last blank line that is not inside a nested code block starts the block in progress. */
function lastBlockStart(source: string): number {
  let start = 0;
  let fence: string | undefined;
  let at = 0;
  for (const line of source.split("\n")) {
    const mark = fenceMark(line);
    if (fence === undefined) {
      if (mark) fence = mark;
      else if (line.trim() === "" && at + line.length < source.length) start = at + line.length + 1;
    } else if (mark?.startsWith(fence) && line.trim() === mark) fence = undefined;
    at += line.length + 1;
  }
  return start;
}

/** The fence that a line opens or closes, behind any list or quote markers. */
function fenceMark(line: string): string | undefined {
  return /^(?:[\s>]|[-*+]\s|\d+[.)]\s)*(`{3,}|~{3,})(?!.*`)/.exec(line)?.[1];
}

function openFence(tail: string): string | undefined {
  let fence: string | undefined;
  for (const line of tail.split("\n")) {
    const mark = fenceMark(line);
    if (fence === undefined) fence = mark;
    else if (mark?.startsWith(fence) && line.trim() === mark) fence = undefined;
  }
  return fence;
}

/** Inside code, "``" at the end is the closing fence on its way, not code. */
export function hideHalfFence(text: string, fence: string): string {
  const at = text.lastIndexOf("\n") + 1;
  const last = text.slice(at).trim();
  const half = last !== "" && last.length < fence.length && fence.startsWith(last);
  return half ? text.slice(0, Math.max(0, at - 1)) : text;
}

/** A lone "-", "#", "1." or "=" may become anything, a heading of the line above among them. */
function hideHalfMarker(tail: string): string {
  const at = tail.lastIndexOf("\n") + 1;
  const last = tail.slice(at);
  return /^[\s>]*(?:-+|=+|[*+_]{1,3}|#{1,6}|\d{1,3}[.)]?|>|`{1,3}|~{1,3}|\$|\\|:)\s*$/.test(last) ? tail.slice(0, at) : tail;
}

/** The address behind a link's label, while it is being written. */
function hideHalfDefinition(tail: string): string {
  return tail.replace(/(^|\n) {0,3}\[[^\]^\n][^\]\n]*\]:[^\n]*$/, "$1");
}

/** Gives a table in progress its delimiter row; undefined where there is none. */
function completeTable(tail: string): string | undefined {
  const lines = tail.split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  // Walk up from the end over lines that begin with a bar.
  let first = lines.length;
  while (first > 0 && /^\s*\|/.test(lines[first - 1] ?? "")) first--;
  const rows = lines.slice(first);
  const header = rows[0];
  if (header === undefined) return undefined;
  const before = lines.slice(0, first).join("\n");
  const join = (done: string[]) => (before === "" ? "" : before + "\n") + done.join("\n");

  const cells = splitCells(rows.length === 1 ? header.replace(/\\?$/, "") : header);
  const delimiter = "|" + " --- |".repeat(Math.max(1, cells.length));
  if (rows.length === 1) {
    if (cells.join("").trim() === "") return before;
    return join(["| " + cells.map(closeCell).join(" | ") + " |", delimiter]);
  }
  if (rows.length === 2 && !isDelimiter(rows[1] ?? "", cells.length)) {
    if (!/^[\s|:-]*$/.test(rows[1] ?? "")) return undefined; // bars, but no table
    return join([header, delimiter]);
  }
  const last = rows[rows.length - 1] ?? "";
  const body = splitCells(last);
  if (rows.length === 2) return join(rows);
  if (body.length <= 1 && body.join("").trim() === "") return join(rows.slice(0, -1));
  if (last.trimEnd().endsWith("|")) return join(rows);
  return join([...rows.slice(0, -1), "| " + body.map(closeCell).join(" | ") + " |"]);
}

function closeCell(cell: string): string {
  return closeInline(cell.trim());
}

function splitCells(row: string): string[] {
  const inner = row.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/);
}

function isDelimiter(row: string, cells: number): boolean {
  return /^\s*\|(?:\s*:?-+:?\s*\|)+\s*$/.test(row) && splitCells(row).length === cells;
}

interface Open {
  mark: string;
  at: number;
}

/** Closes emphasis, code, math and links that are open at the end of `text`. */
function closeInline(text: string): string {
  const open: Open[] = [];
  let bracket: { at: number; image: boolean } | undefined;
  let i = 0;
  while (i < text.length) {
    const ch = text[i];
    if (ch === "\\") {
      const math = texMath(text, i);
      if (math === "open") return cutTrail(text.slice(0, i)) + unwind(open, i) + pendingMath(text.slice(i), text[i + 1] === "(" ? "\\)" : "\\]");
      i = math ?? i + 2;
    } else if (ch === "`") {
      const run = /^`+/.exec(text.slice(i))?.[0] ?? "`";
      const end = closingRun(text, run, i + run.length);
      if (end === undefined) {
        const inside = text.slice(i + run.length);
        if (inside.trim() === "") return cutTrail(text.slice(0, i)) + unwind(open, i);
        return text.replace(/`+$/, "") + run + unwind(open, i);
      }
      i = end;
    } else if (ch === "$") {
      const end = dollarMath(text, i);
      if (end === "open") {
        const double = text[i + 1] === "$";
        const inside = text.slice(i + (double ? 2 : 1));
        if (double || /[\\^_{]/.test(inside)) return text.slice(0, i) + pendingMath(text.slice(i), double ? "$$" : "$") + unwind(open, i);
        i++;
      } else i = end;
    } else if (ch === "*" || ch === "_" || (ch === "~" && text[i + 1] === "~")) {
      const run = new RegExp(`^\\${ch}+`).exec(text.slice(i))?.[0] ?? ch;
      const left = takeRun(open, run, text, i);
      i += run.length;
      // At the very end, a run that closes nothing opens something not begun.
      if (i === text.length && left > 0) return closeInline(text.slice(0, text.length - left));
    } else if (ch === "[" && !bracket) {
      bracket = { at: text[i - 1] === "!" ? i - 1 : i, image: text[i - 1] === "!" };
      i++;
    } else if (ch === "]" && bracket) {
      if (text[i + 1] === "(") {
        const end = closingParen(text, i + 2);
        if (end === undefined) {
          const words = bracket.image ? "" : text.slice(bracket.at + 1, i);
          return closeInline(text.slice(0, bracket.at) + words);
        }
        i = end;
      } else i++;
      bracket = undefined;
    } else i++;
  }
  if (bracket && !text.slice(bracket.at).includes("\n")) {
    const words = bracket.image || isTaskBox(text, bracket.at) ? "" : text.slice(bracket.at + 1);
    return closeInline(text.slice(0, bracket.at) + words);
  }
  const cut = cutTrail(text);
  return cut + unwind(open, cut.length);
}


/** "- [" and "- [x" are a task's box on its way. */
function isTaskBox(text: string, at: number): boolean {
  return /^[\s>]*(?:[-*+]|\d+[.)])\s+$/.test(text.slice(text.lastIndexOf("\n", at) + 1, at)) && text.length - at <= 3;
}

/** Markers at the very end that have nothing after them yet. */
function cutTrail(text: string): string {
  return text.replace(/[![<\\]$/, "");
}

/** The closers still owed, innermost first; those whose words have not begun are dropped by the parser. */
function unwind(open: Open[], end: number): string {
  return open
    .filter((o) => o.at + o.mark.length < end)
    .map((o) => o.mark)
    .reverse()
    .join("");
}

/** Notes what a run of markers opens or closes; returns how many of them did neither. */
function takeRun(open: Open[], run: string, text: string, at: number): number {
  const before = text[at - 1];
  const after = text[at + run.length];
  const spaceBefore = before === undefined || /\s/.test(before);
  const spaceAfter = after === undefined || /\s/.test(after);
  const inWord = !spaceBefore && !spaceAfter && run.startsWith("_") && /\w/.test(before) && /\w/.test(after);
  if (inWord) return 0;
  let rest = run;
  if (!spaceBefore) {
    while (rest !== "") {
      const top = open[open.length - 1];
      if (!top || !top.mark.startsWith(rest[0] ?? "")) break;
      if (top.mark.length > rest.length) {
        // "**bold*" at the end: half a closer. Owe only the other half.
        top.mark = top.mark.slice(rest.length);
        return 0;
      }
      rest = rest.slice(top.mark.length);
      open.pop();
    }
  }
  if (rest === "" || spaceAfter || rest.length > 3) return rest.length;
  if (rest.startsWith("~") && rest.length !== 2) return rest.length;
  if (rest.length === 3) open.push({ mark: rest.slice(0, 1), at }, { mark: rest.slice(1), at });
  else open.push({ mark: rest, at });
  return 0;
}

function closingRun(text: string, run: string, from: number): number | undefined {
  const found = new RegExp(`(?<!\`)${run}(?!\`)`, "g");
  found.lastIndex = from;
  return found.exec(text) ? found.lastIndex : undefined;
}

function closingParen(text: string, from: number): number | undefined {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "(") depth++;
    else if (text[i] === ")" && --depth === 0) return i + 1;
    else if (text[i] === "\n") return i; // not a link after all
  }
  return undefined;
}

/** Where the formula that may open at `at` ends, or "open". */
function dollarMath(text: string, at: number): number | "open" {
  if (text[at + 1] === "$") {
    const end = text.indexOf("$$", at + 2);
    return end < 0 ? "open" : end + 2;
  }
  if (/\s/.test(text[at + 1] ?? " ")) return at + 1;
  const line = text.indexOf("\n", at);
  for (let i = at + 1; i < (line < 0 ? text.length : line); i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "$") return looksLikeMath(text.slice(at + 1, i)) && !/\d/.test(text[i + 1] ?? "") ? i + 1 : at + 1;
  }
  return line < 0 ? "open" : at + 1;
}

function texMath(text: string, at: number): number | "open" | undefined {
  const bracket = text[at + 1];
  if (bracket !== "(" && bracket !== "[") return undefined;
  const end = text.indexOf(bracket === "(" ? "\\)" : "\\]", at + 2);
  return end < 0 ? "open" : end + 2;
}

function pendingMath(source: string, closer: string): string {
  const body = source.replace(/[\\$]$/, "");
  return body.length <= closer.length ? "" : body + closer;
}
