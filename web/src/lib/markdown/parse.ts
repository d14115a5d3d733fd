import type { RootContent } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { cjkFriendlyExtension } from "micromark-extension-cjk-friendly";
import { gfmStrikethroughCjkFriendly } from "micromark-extension-cjk-friendly-gfm-strikethrough";
import { gfm } from "micromark-extension-gfm";
import { mathFromMarkdown, mathSyntax } from "./math-syntax";

// CommonMark's emphasis rules were made for spaces between words: without the
// CJK extension **「重要」**です shows its asterisks. A single tilde is a range
// (10~20), not a deletion.
const extensions = [gfm({ singleTilde: false }), cjkFriendlyExtension(), gfmStrikethroughCjkFriendly({ singleTilde: false }), mathSyntax()];
const mdastExtensions = [gfmFromMarkdown(), mathFromMarkdown()];

/** The top-level nodes of a piece of markdown. */
export function parseMarkdown(source: string): RootContent[] {
  return fromMarkdown(source, { extensions, mdastExtensions }).children;
}
