import type { Definition, FootnoteDefinition, ImageReference, LinkReference, Node, Parent, RootContent } from "mdast";
import { completeTail, hideHalfFence } from "./complete-tail";
import { parseMarkdown } from "./parse";

/** A top-level piece of an answer. Identity is kept while its source is. */
export type Block = FlowBlock | CodeBlock | MathBlock;

interface BlockBase {
  /** Where it begins in the answer: stable, so it serves as a key. */
  start: number;
  /** Its own markdown. */
  source: string;
}

/** Anything micromark reads: a paragraph, a list, a table … */
export interface FlowBlock extends BlockBase {
  type: "flow";
  node: RootContent;
  /** Labels of footnotes it refers to, in order. */
  footnotes: readonly string[];
}

/** A fenced code block. */
export interface CodeBlock extends BlockBase {
  type: "code";
  language: string;
  value: string;
  /** Its closing fence has not come yet. */
  open: boolean;
}

/** A formula that stands on its own lines. */
export interface MathBlock extends BlockBase {
  type: "math";
  value: string;
  open: boolean;
}

/** An answer, cut into blocks. Never mutated. */
export interface MarkdownDocument {
  /** In groups, so that a long answer is compared group by group. */
  groups: readonly (readonly Block[])[];
  /** Number of each footnote that is referred to, in order of reference. */
  footnoteNumbers: ReadonlyMap<string, number>;
  footnotes: ReadonlyMap<string, FootnoteDefinition>;
}

const groupSize = 24;
const flowWindow = 4000;
/** Blocks at the end that what comes next may still change. */
const unsettled = 2;

/**
 * Cuts growing markdown into top-level blocks and parses only its end again: a
 * block that is followed by two more is settled for good, and keeps its
 * identity, so React leaves it alone. Fenced code and formulas are cut out by
 * lines and never parsed, however long they grow.
 */
export class MarkdownReader {
  private text = "";
  private final = false;
  /** The whole text has been read to its end: what is not defined by now never is. */
  private complete = false;
  private settledEnd = 0;
  private settled: Block[] = [];
  private groups: Block[][] = [];
  private tail: Block[] = [];
  private definitions = new Map<string, { definition: Definition; start: number }>();
  private footnotes = new Map<string, FootnoteDefinition>();
  private document: MarkdownDocument | undefined;
  /** How many blocks were parsed in all: for tests of how little that is. */
  parsed = 0;

  /** Takes the answer as it stands. `final`: nothing will be added to it. */
  read(text: string, final: boolean): MarkdownDocument {
    if (this.document && text === this.text && final === this.final) return this.document;
    const rewritten = !text.startsWith(this.text);
    if (rewritten || (this.final && !final)) this.forget();
    this.text = text;
    this.final = final;
    this.complete = false;
    this.readTail();
    this.complete = final;
    if (final) this.resolveLate();
    this.document = this.assemble();
    return this.document;
  }

  private forget(): void {
    this.settledEnd = 0;
    this.settled = [];
    this.groups = [];
    this.tail = [];
    this.definitions = new Map();
    this.footnotes = new Map();
  }

  private readTail(): void {
    const previous = new Map(this.tail.map((block) => [block.start, block]));
    const keep = <T extends Block>(block: T): Block => {
      const old = previous.get(block.start);
      return old && sameBlock(old, block) ? old : block;
    };
    const blocks: Block[] = [];
    let at = this.settledEnd;
    let settledUpTo = this.settledEnd;
    let settledBlocks = 0;

    while (at < this.text.length) {
      const opaque = readOpaque(this.text, at, this.final);
      if (opaque) {
        blocks.push(keep(opaque.block));
        at = opaque.end;
        if (opaque.ended) {
          settledUpTo = at;
          settledBlocks = blocks.length;
        }
        continue;
      }
      const { end, certain } = findOpaque(this.text, at);
      const last = end === this.text.length;
      const flow = this.parseFlow(at, end, last && !this.final);
      for (const block of flow) blocks.push(keep(block));
      const done = certain ? flow.length : Math.max(0, flow.length - unsettled);
      if (done > 0) {
        const next = flow[done];
        settledUpTo = next ? next.start : end;
        settledBlocks = blocks.length - flow.length + done;
      } else if (certain) {
        settledUpTo = end;
      }
      at = end;
    }

    const late = this.collect(blocks);
    for (const block of blocks.slice(0, settledBlocks)) this.settle(block);
    this.tail = blocks.slice(settledBlocks);
    this.settledEnd = settledUpTo;
    if (late.length > 0) this.reparse(late);
  }

  /**
   * Parses from `at` to `end` in windows: the parser's time grows faster than
   * its input, and a long answer may be one stretch without code or formulas.
   * The last blocks of a window are read again with the next one.
   */
  private parseFlow(at: number, end: number, growing: boolean): FlowBlock[] {
    const blocks: FlowBlock[] = [];
    let size = flowWindow;
    while (end - at > size * 2) {
      const cut = this.text.indexOf("\n\n", at + size);
      if (cut < 0 || cut >= end) break;
      const found = this.parse(this.text.slice(at, cut + 2), at, false);
      const next = found[found.length - unsettled];
      if (!next || next.start === at) {
        size *= 2; // one block is longer than the window
        continue;
      }
      blocks.push(...found.slice(0, -unsettled));
      at = next.start;
      size = flowWindow;
    }
    return [...blocks, ...this.parse(this.text.slice(at, end), at, growing)];
  }

  /** Parses a stretch of flow, with the definitions known so far in sight. */
  private parse(source: string, offset: number, growing: boolean): FlowBlock[] {
    const text = growing ? completeTail(source) : source;
    const prefix = this.prefix(text, offset);
    const nodes = parseMarkdown(prefix + text);
    resolveReferences(nodes);
    const blocks: FlowBlock[] = [];
    for (const node of nodes) {
      const start = node.position?.start.offset ?? 0;
      const end = node.position?.end.offset ?? 0;
      if (end <= prefix.length) continue;
      this.parsed++;
      blocks.push({
        type: "flow",
        node,
        start: offset + start - prefix.length,
        source: text.slice(start - prefix.length, end - prefix.length),
        footnotes: footnotesIn(node),
      });
    }
    return blocks;
  }

  /**
   * What has to stand before `text` so that its references are seen as such:
   * definitions from elsewhere, and a stub for every footnote it names, whose
   * own definition mostly comes at the end of the answer.
   */
  private prefix(text: string, offset: number): string {
    let prefix = "";
    for (const label of new Set(Array.from(text.matchAll(/\[\^([^\]\s]+)\](?!:)/g), (m) => m[1] ?? ""))) {
      if (!this.complete || this.footnotes.has(normalise(label))) prefix += `[^${label}]: .\n\n`;
    }
    for (const { definition, start } of this.definitions.values()) {
      const elsewhere = start < offset || start >= offset + text.length;
      if (elsewhere && text.includes("[")) prefix += `[${definition.label ?? definition.identifier}]: <${definition.url.replaceAll(/[<>\n\\]/g, "")}>\n`;
    }
    return prefix === "" ? "" : `${prefix}\n***\n\n`;
  }

  /** Notes definitions; returns the labels of links that were not known before. */
  private collect(blocks: readonly Block[]): string[] {
    const late: string[] = [];
    for (const block of blocks) {
      if (block.type !== "flow") continue;
      visit(block.node, (node) => {
        if (node.type === "definition") {
          const definition = node as Definition;
          const known = this.definitions.get(definition.identifier);
          if (known && known.start !== block.start) return; // the first one counts
          if (known?.definition.url !== definition.url) late.push(definition.identifier);
          this.definitions.set(definition.identifier, { definition, start: block.start });
        } else if (node.type === "footnoteDefinition") {
          const footnote = node as FootnoteDefinition;
          this.footnotes.set(normalise(footnote.label ?? footnote.identifier), footnote);
        }
      });
    }
    return late;
  }

  /** A definition came after its use: read the blocks that name it once more. */
  private reparse(labels: readonly string[]): void {
    const names = (source: string) => {
      const lower = source.toLowerCase();
      return labels.some((label) => lower.includes(`[${label}]`));
    };
    this.replace((block) => names(block.source));
  }

  /** At the end, a footnote nobody defined is text after all. */
  private resolveLate(): void {
    this.replace((block) => block.footnotes.some((label) => !this.footnotes.has(label)));
  }

  private replace(which: (block: FlowBlock) => boolean): void {
    const again = (block: Block): Block => {
      if (block.type !== "flow" || block.node.type === "definition" || !which(block)) return block;
      const [fresh] = this.parse(block.source, block.start, false);
      return fresh ?? block;
    };
    this.settled = this.settled.map(again);
    this.groups = this.groups.map((group) => {
      const fresh = group.map(again);
      return fresh.some((block, i) => block !== group[i]) ? fresh : group;
    });
    this.tail = this.tail.map(again);
  }

  private settle(block: Block): void {
    this.settled.push(block);
    if (this.settled.length === groupSize) {
      this.groups.push(this.settled);
      this.settled = [];
    }
  }

  private assemble(): MarkdownDocument {
    const open = [...this.settled, ...this.tail];
    const groups: Block[][] = [...this.groups];
    const previous = this.document?.groups[groups.length];
    if (open.length > 0) groups.push(previous && sameItems(previous, open) ? (previous as Block[]) : open);
    const numbers = new Map<string, number>();
    for (const group of groups) {
      for (const block of group) {
        if (block.type !== "flow") continue;
        for (const label of block.footnotes) if (!numbers.has(label)) numbers.set(label, numbers.size + 1);
      }
    }
    const before = this.document?.footnoteNumbers;
    const same = before?.size === numbers.size && [...numbers].every(([label, n]) => before.get(label) === n);
    return { groups, footnoteNumbers: same && before ? before : numbers, footnotes: this.footnotes };
  }
}

/** Labels are compared as CommonMark does: without regard to case and spaces. */
function normalise(label: string): string {
  return label.replaceAll(/\s+/g, " ").trim().toLowerCase();
}

/** The key under which a reference finds its number and its text. */
export function footnoteKey(node: { label?: string | null; identifier: string }): string {
  return normalise(node.label ?? node.identifier);
}

function footnotesIn(node: RootContent): string[] {
  const labels: string[] = [];
  visit(node, (n) => {
    if (n.type === "footnoteReference") labels.push(footnoteKey(n as unknown as FootnoteDefinition));
  });
  return labels;
}

/** Puts the addresses of definitions into the links and images that name them. */
function resolveReferences(nodes: RootContent[]): void {
  const urls = new Map<string, string>();
  const references: (LinkReference | ImageReference)[] = [];
  for (const node of nodes) {
    visit(node, (inner) => {
      if (inner.type === "definition") {
        const { identifier, url } = inner as Definition;
        if (!urls.has(identifier)) urls.set(identifier, url);
      } else if (inner.type === "linkReference" || inner.type === "imageReference") references.push(inner as LinkReference | ImageReference);
    });
  }
  for (const reference of references) {
    const url = urls.get(reference.identifier) ?? "";
    Object.assign(reference, { type: reference.type === "linkReference" ? "link" : "image", url });
  }
}

function visit(node: Node, each: (node: Node) => void): void {
  each(node);
  if ("children" in node) for (const child of (node as Parent).children) visit(child, each);
}

function sameBlock(a: Block, b: Block): boolean {
  if (a.type !== b.type || a.source !== b.source) return false;
  return a.type === "flow" || a.open === (b as CodeBlock | MathBlock).open;
}

function sameItems(a: readonly Block[], b: readonly Block[]): boolean {
  return a.length === b.length && a.every((block, i) => block === b[i]);
}

const fenceOpener = /^(`{3,})([^`\n]*)$|^(~{3,})([^\n]*)$/;
const mathOpener = /^(\$\$|\\\[)/;

interface Opaque {
  block: CodeBlock | MathBlock;
  end: number;
  /** What comes next cannot turn it into part of a paragraph. */
  begun: boolean;
  /** What comes next cannot change it. */
  ended: boolean;
}

/** The fenced code or display formula that begins at `at`, if one does. */
function readOpaque(text: string, at: number, final: boolean): Opaque | undefined {
  const lineEnd = endOfLine(text, at);
  const line = text.slice(at, lineEnd);
  const fence = fenceOpener.exec(line.trimEnd());
  if (fence) return readCode(text, at, lineEnd, fence[1] ?? fence[3] ?? "", (fence[2] ?? fence[4] ?? "").trim(), final);
  const math = mathOpener.exec(line);
  return math ? readMath(text, at, math[1] ?? "$$", final) : undefined;
}

function readCode(text: string, at: number, lineEnd: number, fence: string, info: string, final: boolean): Opaque {
  const closer = new RegExp(`^ {0,3}${fence[0] ?? "`"}{${fence.length},}[ \\t]*$`, "gm");
  const bodyStart = Math.min(lineEnd + 1, text.length);
  closer.lastIndex = bodyStart;
  const found = lineEnd < text.length ? closer.exec(text) : null;
  const end = found ? Math.min(found.index + found[0].length + 1, text.length) : text.length;
  const body = found ? text.slice(bodyStart, Math.max(bodyStart, found.index - 1)) : text.slice(bodyStart);
  return {
    end,
    begun: final || lineEnd < text.length,
    ended: final || (found !== null && text[end - 1] === "\n"),
    block: {
      type: "code",
      start: at,
      source: text.slice(at, end),
      language: /^\S*/.exec(info)?.[0] ?? "",
      value: found ? body : (final ? body : hideHalfFence(body, fence)).replace(/\n$/, ""),
      open: !found && !final,
    },
  };
}

/** Undefined where the formula shares its last line with words: then it is part of a paragraph. */
function readMath(text: string, at: number, opener: string, final: boolean): Opaque | undefined {
  const closer = opener === "$$" ? "$$" : "\\]";
  const found = text.indexOf(closer, at + opener.length);
  const stop = found < 0 ? text.length : found;
  const value = text.slice(at + opener.length, stop);
  const lineEnd = found < 0 ? text.length : endOfLine(text, found);
  if (/\n[ \t]*\n/.test(value) || (found >= 0 && value.trim() === "")) return undefined;
  if (found < 0 ? final : text.slice(found + closer.length, lineEnd).trim() !== "") return undefined;
  const end = Math.min(lineEnd + 1, text.length);
  const ended = final || (found >= 0 && text[end - 1] === "\n");
  return {
    end,
    begun: ended,
    ended,
    block: { type: "math", start: at, source: text.slice(at, end), value: value.trim(), open: found < 0 },
  };
}

/** Where the flow that begins at `at` gives way to code or a formula, and whether it surely does. */
function findOpaque(text: string, at: number): { end: number; certain: boolean } {
  const opener = /\n(?=(?:`{3,}[^`\n]*$|~{3,}[^\n]*$|\$\$|\\\[))/gm;
  opener.lastIndex = at;
  for (let found = opener.exec(text); found; found = opener.exec(text)) {
    const next = found.index + 1;
    const opaque = readOpaque(text, next, false);
    if (opaque) return { end: next, certain: opaque.begun };
  }
  return { end: text.length, certain: false };
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}
