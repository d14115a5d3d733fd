import { type CSSProperties, Fragment, type ReactNode, createElement, useEffect, useState } from "react";
import { type MathPiece, loadTypesetter } from "@/lib/markdown";

type Typesetter = Awaited<ReturnType<typeof loadTypesetter>>;

interface Props {
  tex: string;
  display: boolean;
  /** It is still being written: what cannot be set yet stays as it last was. */
  growing?: boolean;
}

let loaded: Typesetter | undefined;

/** A formula; its source until the typesetter has come, and where it is not one. */
export function MathView({ tex, display, growing = false }: Props) {
  const [typeset, setTypeset] = useState<Typesetter | undefined>(() => loaded);
  const [keeper] = useState(() => new Keeper());
  useEffect(() => {
    if (typeset) return;
    let live = true;
    loadTypesetter().then(
      (found) => {
        loaded = found;
        if (live) setTypeset(() => found);
      },
      () => undefined, // the source stays
    );
    return () => {
      live = false;
    };
  }, [typeset]);

  const pieces = typeset && keeper.set(typeset, tex, display, growing);
  if (display) {
    return (
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it
      <div className="prose-math" tabIndex={0} role="group">
        {pieces ? pieces.map(renderPiece) : <code className="prose-tex">{tex}</code>}
      </div>
    );
  }
  return pieces ? <span>{pieces.map(renderPiece)}</span> : <code className="prose-tex">{tex}</code>;
}

/** Remembers the last form that could be set, so that a formula in progress does not flicker. */
class Keeper {
  private last: MathPiece[] | undefined;
  private key = "";
  private found: MathPiece[] | undefined;

  set(typeset: Typesetter, tex: string, display: boolean, growing: boolean): MathPiece[] | undefined {
    const key = `${display}${tex}`;
    if (key !== this.key) {
      this.key = key;
      this.found = typeset(tex, display);
      this.last = this.found ?? this.last;
    }
    return this.found ?? (growing ? this.last : undefined);
  }
}

const renamed: Record<string, string> = { class: "className" };

function renderPiece(piece: MathPiece, i: number): ReactNode {
  if (typeof piece === "string") return <Fragment key={i}>{piece}</Fragment>;
  const props: Record<string, unknown> = { key: i };
  for (const [name, value] of Object.entries(piece.attributes)) props[renamed[name] ?? name] = value;
  if (Object.keys(piece.style).length > 0) props.style = piece.style as CSSProperties;
  return createElement(piece.tag, props, ...piece.children.map(renderPiece));
}
