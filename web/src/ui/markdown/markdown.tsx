import { memo, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { type Block, MarkdownReader } from "@/lib/markdown";
import { cx } from "@/lib/cx";
import { BlockView, Footnotes, type Notes } from "./nodes";
import "./prose.css";

interface Props {
  text: string;
  /** More is coming: the end is shown as it will look, with a cursor behind it. */
  growing?: boolean;
  className?: string;
}

/**
 * An answer as a document. While it grows only its last blocks are parsed and
 * rendered again, and never more often than the machine can follow.
 */
export function Markdown({ text, growing = false, className }: Props) {
  const shown = usePacedText(text, growing);
  const [reader] = useState(() => new MarkdownReader());
  const document = reader.read(shown, !growing);
  const id = useId();
  const notes = useMemo<Notes>(() => ({ id, numbers: document.footnoteNumbers }), [id, document.footnoteNumbers]);
  const last = document.groups.length - 1;
  return (
    <div className={cx("prose", className)}>
      {document.groups.map((group, i) => (
        <Group key={i} blocks={group} notes={notes} cursor={growing && i === last} />
      ))}
      {growing && last < 0 && <span className="prose-cursor" aria-hidden="true" />}
      <Footnotes document={document} notes={notes} />
    </div>
  );
}

const Group = memo(function Group({ blocks, notes, cursor }: { blocks: readonly Block[]; notes: Notes; cursor: boolean }) {
  return blocks.map((block, i) => <BlockView key={`${block.type}${block.start}`} block={block} notes={notes} cursor={cursor && i === blocks.length - 1} />);
});

/** The share of time that showing a growing text may take. */
const share = 1 / 4;

/**
 * `text`, brought up to date as often as what it costs allows: a long block at
 * the end may take several frames to show, and the page must stay usable.
 */
function usePacedText(text: string, growing: boolean): string {
  const [shown, setShown] = useState(text);
  const pace = useRef({ started: 0, ready: 0 });
  useEffect(() => {
    if (!growing || text === shown) return;
    const show = () => {
      pace.current.started = performance.now();
      setShown(text);
    };
    const wait = pace.current.ready - performance.now();
    const timer = setTimeout(show, Math.max(0, wait));
    return () => clearTimeout(timer);
  }, [text, shown, growing]);
  useLayoutEffect(() => {
    if (pace.current.started === 0) return;
    const now = performance.now();
    pace.current.ready = now + (now - pace.current.started) * (1 / share - 1);
  }, [shown]);
  return growing ? shown : text;
}
