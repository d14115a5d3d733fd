import type { CompileContext, Extension as FromMarkdownExtension, Token } from "mdast-util-from-markdown";
import type { Node } from "mdast";
import type { Code, Construct, Effects, Extension, State, TokenizeContext } from "micromark-util-types";

/**
 * Math in running text, as models write it: $x$, $$x$$, \(x\) and \[x\]. Our own
 * construct, because the usual one reads "$5 and $10" as a formula: here a single
 * dollar opens only before and closes only after something other than a space,
 * never closes before a digit, stays on its line, and does not hold Japanese prose.
 */

declare module "micromark-util-types" {
  interface TokenTypeMap {
    kakoiMath: "kakoiMath";
    kakoiMathMark: "kakoiMathMark";
    kakoiMathData: "kakoiMathData";
  }
}

/** A formula in the tree. `display` stands on a line of its own. */
export interface MathNode extends Node {
  type: "inlineMath";
  value: string;
  display: boolean;
}

declare module "mdast" {
  interface PhrasingContentMap {
    inlineMath: MathNode;
  }
  interface RootContentMap {
    inlineMath: MathNode;
  }
}

const dollar = 36;
const backslash = 92;
const japanese = /[\u3001\u3002\u3040-\u30ff\u3400-\u9fff\uff01-\uff5e]/u;
const tex = /[\\^_{}]/;

export function mathSyntax(): Extension {
  const dollars: Construct = { name: "kakoiMath", tokenize: tokenizeDollars };
  const brackets: Construct = { name: "kakoiMath", tokenize: tokenizeBrackets };
  return { text: { [dollar]: dollars, [backslash]: brackets } };
}

/** Is this what stands between two single dollars a formula rather than an amount? */
export function looksLikeMath(content: string): boolean {
  if (content === "" || /^\s|\s$/.test(content)) return false;
  return !japanese.test(content) || tex.test(content);
}

function isSpace(code: Code): boolean {
  return code === null || code < 0 || code === 32;
}

function isEol(code: Code): code is -5 | -4 | -3 {
  return code !== null && code < -2;
}

function tokenizeDollars(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  let opening = 0;
  let closing = 0;
  let content = "";
  let open = false; // a data token is open
  return start;

  function start(code: Code): State | undefined {
    effects.enter("kakoiMath");
    effects.enter("kakoiMathMark");
    return mark(code);
  }
  function mark(code: Code): State | undefined {
    if (code === dollar && opening < 2) {
      effects.consume(code);
      opening++;
      return mark;
    }
    effects.exit("kakoiMathMark");
    if (code === dollar || (opening === 1 && isSpace(code))) return nok(code);
    return between(code);
  }
  function between(code: Code): State | undefined {
    if (code === null) return nok(code);
    if (isEol(code)) {
      if (opening === 1) return nok(code);
      leave();
      effects.enter("lineEnding");
      effects.consume(code);
      effects.exit("lineEnding");
      content += "\n";
      return between;
    }
    if (code === dollar) {
      leave();
      closing = 0;
      effects.enter("kakoiMathMark");
      return close(code);
    }
    take(code);
    return code === backslash ? escaped : between;
  }
  function escaped(code: Code): State | undefined {
    if (code === null || isEol(code)) return between(code);
    take(code);
    return between;
  }
  function close(code: Code): State | undefined {
    if (code === dollar && closing < opening) {
      effects.consume(code);
      closing++;
      return close;
    }
    effects.exit("kakoiMathMark");
    if (closing < opening || content.trim() === "") return nok(code);
    if (opening === 1) {
      const digitFollows = code !== null && code >= 48 && code <= 57;
      if (digitFollows || !looksLikeMath(content)) return nok(code);
    }
    effects.exit("kakoiMath");
    return ok(code);
  }
  function take(code: Code) {
    if (!open) effects.enter("kakoiMathData");
    open = true;
    effects.consume(code);
    content += code !== null && code > 0 ? String.fromCharCode(code) : " ";
  }
  function leave() {
    if (open) effects.exit("kakoiMathData");
    open = false;
  }
}

function tokenizeBrackets(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  let closer: Code = null;
  let open = false;
  let empty = true;
  return start;

  function start(code: Code): State | undefined {
    effects.enter("kakoiMath");
    effects.enter("kakoiMathMark");
    effects.consume(code);
    return bracket;
  }
  function bracket(code: Code): State | undefined {
    if (code !== 40 && code !== 91) return nok(code);
    closer = code === 40 ? 41 : 93;
    effects.consume(code);
    effects.exit("kakoiMathMark");
    return between;
  }
  function between(code: Code): State | undefined {
    if (code === null) return nok(code);
    if (isEol(code)) {
      leave();
      effects.enter("lineEnding");
      effects.consume(code);
      effects.exit("lineEnding");
      return between;
    }
    if (code === backslash) {
      leave();
      return effects.attempt({ tokenize: tokenizeCloser }, done, command)(code);
    }
    empty = false;
    take(code);
    return between;
  }
  function command(code: Code): State | undefined {
    empty = false;
    take(code);
    return afterCommand;
  }
  function afterCommand(code: Code): State | undefined {
    if (code === null || isEol(code)) return between(code);
    take(code);
    return between;
  }
  function done(code: Code): State | undefined {
    if (empty) return nok(code);
    effects.exit("kakoiMath");
    return ok(code);
  }
  function tokenizeCloser(inner: Effects, found: State, missed: State): State {
    return (code) => {
      inner.enter("kakoiMathMark");
      inner.consume(code);
      return (next) => {
        if (next !== closer) return missed(next);
        inner.consume(next);
        inner.exit("kakoiMathMark");
        return found;
      };
    };
  }
  function take(code: Code) {
    if (!open) effects.enter("kakoiMathData");
    open = true;
    effects.consume(code);
  }
  function leave() {
    if (open) effects.exit("kakoiMathData");
    open = false;
  }
}

export function mathFromMarkdown(): FromMarkdownExtension {
  return {
    enter: {
      kakoiMath(this: CompileContext, token: Token) {
        this.enter({ type: "inlineMath", value: "", display: false }, token);
        this.buffer();
      },
    },
    exit: {
      kakoiMathData(this: CompileContext, token: Token) {
        this.config.enter.data?.call(this, token);
        this.config.exit.data?.call(this, token);
      },
      kakoiMath(this: CompileContext, token: Token) {
        const value = this.resume();
        const node = this.stack[this.stack.length - 1];
        if (node?.type === "inlineMath") {
          const source = this.sliceSerialize(token);
          node.value = value.trim();
          node.display = source.startsWith("$$") || source.startsWith("\\[");
        }
        this.exit(token);
      },
    },
  };
}
