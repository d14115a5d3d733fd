import type { ElementContent } from "hast";
import { Download, PanelRight, WrapText } from "lucide-react";
import { Fragment, type ReactNode, lazy, Suspense, memo, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ToggleButton } from "react-aria-components";
import { cx } from "@/lib/cx";
import { downloadText } from "@/lib/download";
import { highlightLimit, isSvg, languageExtension, languageName, loadHighlighter } from "@/lib/markdown";
import { Button, IconButton, buttonClass } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { Icon } from "@/ui/icon";
import { Tip } from "@/ui/tooltip";
import { readChart, readDelimited } from "@/lib/chart";
import { type Beside, useBeside } from "./beside";
import { BlockFrame } from "./block-frame";

const DiagramView = lazy(() => import("./diagram-view").then((m) => ({ default: m.DiagramView })));
const ChartView = lazy(() => import("./chart-view").then((m) => ({ default: m.ChartView })));
const PictureView = lazy(() => import("./diagram-view").then((m) => ({ default: m.PictureView })));

interface Props {
  language: string;
  code: string;
  /** More of it is coming. */
  open: boolean;
  cursor: boolean;
}

/** Fenced code: as code, or, once it is whole, as the diagram or picture it describes. */
export function CodeBlockView(props: Props) {
  const { language, code, open } = props;
  const source = <SourceView {...props} />;
  if (open) return source;
  if (language.toLowerCase() === "mermaid") {
    return (
      <Suspense fallback={source}>
        <DiagramView source={code} />
      </Suspense>
    );
  }
  if (isSvg(language.toLowerCase(), code)) {
    return (
      <Suspense fallback={source}>
        <PictureView svg={code} />
      </Suspense>
    );
  }
  const chart = language.toLowerCase() === "chart" ? readChart(code) : undefined;
  if (chart) {
    return (
      <Suspense fallback={source}>
        <ChartView chart={chart} source={code} />
      </Suspense>
    );
  }
  return source;
}

/** What code can be looked at as, beside the answer. */
function besideOf(language: string, code: string): Beside | undefined {
  switch (language.toLowerCase()) {
    case "html":
      return { kind: "html", source: code };
    case "csv":
    case "tsv": {
      const cells = readDelimited(code, language.toLowerCase() === "tsv" ? "\t" : ",");
      return cells.length > 1 ? { kind: "table", cells } : undefined;
    }
    default:
      return undefined;
  }
}

/** Code with its language, copy, wrap and download. */
export function SourceView({ language, code, open, cursor }: Props) {
  const { t } = useTranslation("markdown");
  const [wrap, setWrap] = useState(false);
  const beside = useBeside();
  const shown = beside && !open ? besideOf(language, code) : undefined;
  return (
    <BlockFrame
      label={language === "" ? t("code") : languageName(language)}
      actions={
        <>
          {shown && beside && (
            <Button tone="quiet" size="dense" icon={PanelRight} onPress={() => beside(shown)}>
              {t(shown.kind === "html" ? "preview" : "asTable")}
            </Button>
          )}
          <WrapToggle on={wrap} onChange={setWrap} />
          <IconButton icon={Download} iconSize={16} size="dense" label={t("download")} onPress={() => downloadText(`code.${languageExtension(language)}`, "text/plain", code)} />
          <CopyButton text={code} label={t("copyCode")} words={t("copy")} />
        </>
      }
    >
      <CodeText language={language} code={code} open={open} cursor={cursor} wrap={wrap} />
    </BlockFrame>
  );
}

function WrapToggle({ on, onChange }: { on: boolean; onChange: (on: boolean) => void }) {
  const { t } = useTranslation("markdown");
  return (
    <Tip text={t("wrap")}>
      <ToggleButton isSelected={on} onChange={onChange} aria-label={t("wrap")} className={cx(buttonClass("quiet", "dense"), "w-9 flex-none !px-0 data-[selected]:bg-surface-selected pointer-coarse:w-11")}>
        <Icon of={WrapText} size={16} />
      </ToggleButton>
    </Tip>
  );
}

/** The lines of a piece of code, coloured when the colours have come. */
export function CodeText({ language, code, open, cursor, wrap }: Props & { wrap: boolean }) {
  const { t } = useTranslation("markdown");
  const coloured = useHighlight(language, code, open);
  // The end that came after the last colouring stands behind it, plain.
  const plain = coloured ? code.slice(coloured.code.length) : code;
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it
    <pre className={cx("prose-code", wrap && "prose-code-wrap")} tabIndex={0} role="region" aria-label={language === "" ? t("code") : t("codeIn", { language: languageName(language) })}>
      <code>
        {coloured?.content}
        <PlainLines code={plain} />
        {cursor && <span className="prose-cursor" aria-hidden="true" />}
      </code>
    </pre>
  );
}

const chunk = 4000;

/** Long plain code in pieces, so that only the last of them is laid out again. */
function PlainLines({ code }: { code: string }): ReactNode {
  if (code.length <= chunk * 2) return code;
  const pieces: string[] = [];
  for (let at = 0; at < code.length; ) {
    const line = code.indexOf("\n", at + chunk);
    const end = line < 0 ? code.length : line + 1;
    pieces.push(code.slice(at, end));
    at = end;
  }
  return pieces.map((piece, i) => <Piece key={i} text={piece} />);
}

const Piece = memo(function Piece({ text }: { text: string }) {
  return <span className="prose-code-piece">{text}</span>;
});

interface Coloured {
  language: string;
  code: string;
  content: ReactNode;
}

/** The coloured part of the code; undefined while there is none. */
function useHighlight(language: string, code: string, open: boolean): Coloured | undefined {
  const [done, setDone] = useState<Coloured>();
  const latest = useRef(code);
  useEffect(() => {
    latest.current = code;
  }, [code]);
  const whole = open ? undefined : code;
  useEffect(() => {
    if (language === "") return;
    let live = true;
    const colour = () => {
      void loadHighlighter().then((highlight) => {
        const text = latest.current;
        if (!live || text.length > highlightLimit) return;
        const tree = highlight(language.toLowerCase(), text);
        if (tree) setDone((old) => (old?.code === text && old.language === language ? old : { language, code: text, content: renderTokens(tree.children as ElementContent[]) }));
      }, ignore);
    };
    colour();
    // While it grows, colour at a walk; the newest end is plain for that long.
    const timer = whole === undefined ? setInterval(colour, 400) : undefined;
    return () => {
      live = false;
      clearInterval(timer);
    };
  }, [language, whole]);
  return done && done.language === language && code.startsWith(done.code) ? done : undefined;
}

/** Colours that do not load leave the code as it is. */
function ignore() {}

function renderTokens(nodes: readonly ElementContent[]): ReactNode {
  return nodes.map((node, i) => <Fragment key={i}>{renderToken(node)}</Fragment>);
}

function renderToken(node: ElementContent): ReactNode {
  if (node.type === "text") return node.value;
  if (node.type !== "element") return null;
  const names = node.properties.className;
  return <span className={Array.isArray(names) ? names.join(" ") : undefined}>{renderTokens(node.children)}</span>;
}
