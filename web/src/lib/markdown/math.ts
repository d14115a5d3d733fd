/** A piece of a typeset formula, ready to become an element without any markup being parsed by the page. */
export type MathPiece = string | MathElement;

export interface MathElement {
  tag: string;
  attributes: Record<string, string>;
  style: Record<string, string>;
  children: MathPiece[];
}

type Typesetter = (tex: string, display: boolean) => MathPiece[] | undefined;

let loading: Promise<Typesetter> | undefined;

/** Loads the typesetter with its style sheet and fonts once, when the first formula appears. */
export function loadTypesetter(): Promise<Typesetter> {
  loading ??= Promise.all([import("katex"), import("katex/dist/katex.min.css")]).then(([{ default: katex }]) => {
    return (tex, display) => {
      try {
        return parseMarkup(
          katex.renderToString(tex, {
            displayMode: display,
            throwOnError: true,
            strict: false, // Japanese in formulas is normal here
            trust: false,
            maxSize: 50,
            maxExpand: 1000,
          }),
        );
      } catch {
        return undefined; // not (yet) a formula: its source is shown
      }
    };
  });
  return loading;
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'" };

/**
 * Reads the typesetter's markup into a tree. Its styles come as attributes, which
 * our content policy refuses in markup but allows through the object model; so
 * the markup is never given to the page.
 */
export function parseMarkup(markup: string): MathPiece[] {
  const top: MathPiece[] = [];
  const stack: MathElement[] = [];
  const add = (piece: MathPiece) => (stack[stack.length - 1]?.children ?? top).push(piece);
  const tag = /<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z:-]+="[^"]*")*)\s*(\/?)>/g;
  let at = 0;
  for (let found = tag.exec(markup); found; found = tag.exec(markup)) {
    if (found.index > at) add(decode(markup.slice(at, found.index)));
    at = tag.lastIndex;
    const [, closing, name = "", attributes = "", selfClosing] = found;
    if (closing) {
      stack.pop();
      continue;
    }
    const element: MathElement = { tag: name, ...readAttributes(attributes), children: [] };
    add(element);
    if (!selfClosing) stack.push(element);
  }
  if (at < markup.length) add(decode(markup.slice(at)));
  return top;
}

function readAttributes(source: string): Pick<MathElement, "attributes" | "style"> {
  const attributes: Record<string, string> = {};
  const style: Record<string, string> = {};
  for (const [, name = "", value = ""] of source.matchAll(/([a-zA-Z:-]+)="([^"]*)"/g)) {
    if (name === "style") {
      for (const rule of decode(value).split(";")) {
        const colon = rule.indexOf(":");
        if (colon > 0) style[camelCase(rule.slice(0, colon).trim())] = rule.slice(colon + 1).trim();
      }
    } else attributes[name] = decode(value);
  }
  return { attributes, style };
}

function camelCase(property: string): string {
  return property.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function decode(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#x27);/g, (whole, name: string) => entities[name] ?? whole);
}
