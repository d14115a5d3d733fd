import type { List, ListItem, Nodes, Parent, RootContent } from "mdast";
import { CornerLeftUp } from "lucide-react";
import { Fragment, type ReactNode, memo } from "react";
import { useTranslation } from "react-i18next";
import { type Block, type MarkdownDocument, footnoteKey, isBreak, plainText, safeImage, safeLink, splitBareLink } from "@/lib/markdown";
import { Icon } from "@/ui/icon";
import { CodeBlockView } from "./code-block";
import { MathView } from "./math-view";
import { TableView } from "./table-view";

/** What a reference needs to find its footnote. */
export interface Notes {
  /** Sets the ids of this document apart from those of another on the page. */
  id: string;
  numbers: ReadonlyMap<string, number>;
}

interface BlockProps {
  block: Block;
  notes: Notes;
  cursor: boolean;
}

/** One block. Its source decides its looks, so it renders once per source. */
export const BlockView = memo(function BlockView({ block, notes, cursor }: BlockProps) {
  switch (block.type) {
    case "code":
      return <CodeBlockView language={block.language} code={block.value} open={block.open} cursor={cursor} />;
    case "math":
      return <MathView tex={block.value} display growing={block.open} />;
    case "flow":
      return renderNode(block.node, notes, cursor);
  }
});

const Cursor = () => <span className="prose-cursor" aria-hidden="true" />;

/** The children of a node; the last of them carries the cursor on, if it can. */
function renderChildren(node: Parent, notes: Notes, cursor = false): ReactNode {
  return node.children.map((child, i) => <Fragment key={i}>{renderNode(child, notes, cursor && i === node.children.length - 1)}</Fragment>);
}

function words(node: Parent, notes: Notes, cursor: boolean): ReactNode {
  return (
    <>
      {renderChildren(node, notes)}
      {cursor && <Cursor />}
    </>
  );
}

/**
 * One node as elements. This is the only way from a model's words to the page:
 * there is no raw HTML on it, and every link and image passes the rules of links.ts.
 */
function renderNode(node: RootContent, notes: Notes, cursor: boolean): ReactNode {
  switch (node.type) {
    case "paragraph": {
      const only = node.children.length === 1 ? node.children[0] : undefined;
      if (only?.type === "inlineMath" && only.display) return <MathView tex={only.value} display growing={cursor} />;
      return <p className={isLong(node) ? "prose-long" : undefined}>{words(node, notes, cursor)}</p>;
    }
    case "heading": {
      // The page has its own h1 and names the answer with an h2: an answer begins at h3.
      const Tag = (["h3", "h3", "h4", "h5", "h6", "h6"] as const)[node.depth - 1] ?? "h6";
      return (
        <Tag data-depth={node.depth}>
          {words(node, notes, cursor)}
        </Tag>
      );
    }
    case "text":
      return node.value;
    case "emphasis":
      return <em>{renderChildren(node, notes)}</em>;
    case "strong":
      return <strong>{renderChildren(node, notes)}</strong>;
    case "delete":
      return <del>{renderChildren(node, notes)}</del>;
    case "inlineCode":
      return <code>{node.value}</code>;
    case "break":
      return <br />;
    case "thematicBreak":
      return <hr />;
    case "blockquote":
      return <blockquote>{renderChildren(node, notes, cursor)}</blockquote>;
    case "list":
      return renderList(node, notes, cursor);
    case "listItem":
      return renderItem(node, notes, cursor, false);
    case "table":
      return <TableView table={node} growing={cursor} renderCell={(cell, last) => words(cell, notes, cursor && last)} />;
    case "code":
      return <CodeBlockView language={node.lang ?? ""} code={node.value} open={cursor} cursor={cursor} />;
    case "inlineMath":
      return <MathView tex={node.value} display={false} growing={cursor} />;
    case "link":
      return renderLink(node.url, node, notes);
    case "image":
      return <ImageView url={node.url} alt={node.alt ?? ""} />;
    case "html":
      return isBreak(node.value.trim()) ? <br /> : <span className="prose-raw">{node.value}</span>;
    case "footnoteReference": {
      const key = footnoteKey(node);
      const number = notes.numbers.get(key);
      return number === undefined ? null : <FootnoteMark number={number} notes={notes} />;
    }
    case "definition":
    case "footnoteDefinition":
    case "yaml":
      return null; // gathered by the reader
    default:
      return "children" in node ? renderChildren(node as Parent, notes) : plainText(node as Nodes);
  }
}

/** Breaking Japanese by phrases takes time that grows with the square of the paragraph. */
function isLong(node: Parent): boolean {
  const { start, end } = node.position ?? {};
  return (end?.offset ?? 0) - (start?.offset ?? 0) > 1500;
}

function renderList(list: List, notes: Notes, cursor: boolean): ReactNode {
  const tight = !list.spread && list.children.every((item) => !item.spread);
  const items = list.children.map((item, i) => <Fragment key={i}>{renderItem(item, notes, cursor && i === list.children.length - 1, tight)}</Fragment>);
  const tasks = list.children.some((item) => typeof item.checked === "boolean");
  if (list.ordered) return <ol {...(list.start && list.start !== 1 ? { start: list.start } : {})}>{items}</ol>;
  return <ul className={tasks ? "prose-tasks" : undefined}>{items}</ul>;
}

function renderItem(item: ListItem, notes: Notes, cursor: boolean, tight: boolean): ReactNode {
  const last = item.children.length - 1;
  const body = item.children.map((child, i) => (
    <Fragment key={i}>
      {tight && child.type === "paragraph" ? words(child, notes, cursor && i === last) : renderNode(child, notes, cursor && i === last)}
    </Fragment>
  ));
  const ending = cursor && last < 0 ? <Cursor /> : null;
  if (typeof item.checked !== "boolean") {
    return (
      <li>
        {body}
        {ending}
      </li>
    );
  }
  return (
    <li className="prose-task">
      <TaskBox checked={item.checked} />
      <div>
        {body}
        {ending}
      </div>
    </li>
  );
}

function TaskBox({ checked }: { checked: boolean }) {
  const { t } = useTranslation("markdown");
  return <input type="checkbox" checked={checked} readOnly disabled aria-label={checked ? t("taskDone") : t("taskOpen")} />;
}

function renderLink(url: string, node: Parent, notes: Notes): ReactNode {
  const label = node.children.map((child) => plainText(child as Nodes)).join("");
  const bare = url === label || url === `http://${label}` || url === `mailto:${label}`;
  const [address, rest] = bare ? splitBareLink(label) : [label, ""];
  const link = safeLink(rest === "" ? url : url.slice(0, url.length - rest.length));
  if (!link) return renderChildren(node, notes);
  const named = link.host === "" || address.includes(link.host);
  return (
    <>
      <a href={link.href} target="_blank" rel="noopener noreferrer">
        {rest === "" ? renderChildren(node, notes) : address}
      </a>
      {!named && <span className="prose-host">{link.host}</span>}
      {rest}
    </>
  );
}

/** A file of the conversation is shown; a picture elsewhere is only named, because fetching it would tell. */
function ImageView({ url, alt }: { url: string; alt: string }) {
  const { t } = useTranslation("markdown");
  const own = safeImage(url);
  if (own) return <img src={own} alt={alt} loading="lazy" />;
  const name = alt === "" ? t("imageUnnamed") : t("image", { name: alt });
  const link = safeLink(url);
  if (!link || link.host === "") return <span className="prose-host">{name}</span>;
  return (
    <>
      <a href={link.href} target="_blank" rel="noopener noreferrer">
        {name}
      </a>
      <span className="prose-host">{link.host}</span>
    </>
  );
}

function FootnoteMark({ number, notes }: { number: number; notes: Notes }) {
  const { t } = useTranslation("markdown");
  return (
    <sup>
      <a className="prose-mark" href={`#${notes.id}n${number}`} id={`${notes.id}r${number}`} aria-label={t("footnote", { number })}>
        {number}
      </a>
    </sup>
  );
}

/** The footnotes of a document, in the order they are first named. */
export function Footnotes({ document, notes }: { document: MarkdownDocument; notes: Notes }) {
  const { t } = useTranslation("markdown");
  const found = [...document.footnoteNumbers].flatMap(([key, number]) => {
    const definition = document.footnotes.get(key);
    return definition ? [{ number, definition }] : [];
  });
  if (found.length === 0) return null;
  return (
    <section className="prose-notes" aria-label={t("footnotes")}>
      <ol>
        {found.map(({ number, definition }) => (
          <li key={number} id={`${notes.id}n${number}`} value={number}>
            {renderChildren(definition, notes)}
            <a className="prose-back" href={`#${notes.id}r${number}`} aria-label={t("backToText", { number })}>
              <Icon of={CornerLeftUp} size={16} className="inline" />
            </a>
          </li>
        ))}
      </ol>
    </section>
  );
}

