import { Code, Download, Maximize2, Minus, PanelRight, Plus } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { ToggleButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { downloadText } from "@/lib/download";
import { type DiagramTheme, DiagramError, type Drawing, drawDiagram, svgImage } from "@/lib/markdown";
import { useDark } from "@/lib/use-dark";
import { IconButton, buttonClass } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { Dialog } from "@/ui/dialog";
import { Icon } from "@/ui/icon";
import { useBeside } from "./beside";
import { BlockFrame } from "./block-frame";
import { CodeText, SourceView } from "./code-block";

/** A Mermaid diagram: drawn apart from the page, shown as an image, with its source behind it. */
export function DiagramView({ source }: { source: string }) {
  const { t } = useTranslation("markdown");
  const theme: DiagramTheme = useDark() ? "dark" : "light";
  const [state, setState] = useState<{ source: string; theme: DiagramTheme; drawing?: Drawing; failure?: string }>();
  const holder = useRef<HTMLDivElement>(null);
  const seen = useSeen(holder);

  useEffect(() => {
    if (!seen) return;
    let live = true;
    drawDiagram(source, theme).then(
      (drawing) => live && setState({ source, theme, drawing }),
      (error: unknown) => live && setState({ source, theme, failure: error instanceof DiagramError ? error.message : "" }),
    );
    return () => {
      live = false;
    };
  }, [seen, source, theme]);

  const current = state?.source === source ? state : undefined;
  return (
    <div ref={holder}>
      {current?.drawing ? (
        <Figure label={t("diagram")} file={t("diagramFile")} drawing={current.drawing} source={source} language="mermaid" />
      ) : (
        <>
          <SourceView language="mermaid" code={source} open={false} cursor={false} />
          {current?.failure !== undefined && (
            <p className="mt-1 text-14 text-muted" role="status">
              {t("diagramFailed")}
            </p>
          )}
        </>
      )}
    </div>
  );
}

/** An SVG the model wrote: shown as an image, where nothing in it runs or loads. */
export function PictureView({ svg }: { svg: string }) {
  const { t } = useTranslation("markdown");
  const [broken, setBroken] = useState(false);
  if (broken) return <SourceView language="svg" code={svg} open={false} cursor={false} />;
  return <Figure label={t("picture")} file={t("pictureFile")} drawing={{ svg, width: 0, height: 0 }} source={svg} language="svg" onBroken={() => setBroken(true)} />;
}

interface FigureProps {
  label: string;
  file: string;
  drawing: Drawing;
  source: string;
  language: string;
  onBroken?: () => void;
}

function Figure({ label, file, drawing, source, language, onBroken }: FigureProps) {
  const { t } = useTranslation("markdown");
  const [showSource, setShowSource] = useState(false);
  const [large, setLarge] = useState(false);
  const beside = useBeside();
  const image = svgImage(drawing.svg);
  const size = drawing.width > 0 ? { width: drawing.width, height: drawing.height } : {};
  return (
    <BlockFrame
      label={label}
      actions={
        <>
          <ToggleButton
            isSelected={showSource}
            onChange={setShowSource}
            className={cx(buttonClass("quiet", "dense"), "text-muted data-[selected]:bg-surface-selected data-[selected]:text-default")}
          >
            <Icon of={Code} size={16} />
            {t("source")}
          </ToggleButton>
          {showSource && <CopyButton text={source} label={t("copyCode")} words={t("copy")} />}
          <IconButton icon={Download} iconSize={16} size="dense" label={t("download")} onPress={() => downloadText(file, "image/svg+xml", drawing.svg)} />
          {beside ? (
            <IconButton icon={PanelRight} iconSize={16} size="dense" label={t("beside")} onPress={() => beside({ kind: language === "mermaid" ? "diagram" : "picture", source })} />
          ) : (
            <IconButton icon={Maximize2} iconSize={16} size="dense" label={t("enlarge")} onPress={() => setLarge(true)} />
          )}
        </>
      }
    >
      {showSource ? (
        <CodeText language={language} code={source} open={false} cursor={false} wrap={false} />
      ) : (
        <div className="prose-picture">
          <img src={image} alt={label} {...size} onError={onBroken} />
        </div>
      )}
      <Dialog title={label} size="large" isOpen={large} onClose={() => setLarge(false)} dismissable>
        <Zoomable>
          <img src={image} alt={label} {...size} />
        </Zoomable>
      </Dialog>
    </BlockFrame>
  );
}

const steps = [0.5, 0.75, 1, 1.5, 2, 3];

function Zoomable({ children }: { children: ReactNode }) {
  const { t } = useTranslation("markdown");
  const [step, setStep] = useState(2);
  const zoom = steps[step] ?? 1;
  return (
    <div className="grid gap-2">
      <div className="flex items-center justify-end gap-1">
        <IconButton icon={Minus} size="dense" label={t("smaller")} isDisabled={step === 0} onPress={() => setStep(step - 1)} />
        <span className="w-14 text-center text-14 tabular-nums">{`${Math.round(zoom * 100)}%`}</span>
        <IconButton icon={Plus} size="dense" label={t("larger")} isDisabled={step === steps.length - 1} onPress={() => setStep(step + 1)} />
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it */}
      <div className="max-h-[65vh] overflow-auto rounded-8 border border-rule" tabIndex={0} role="group" aria-label={t("diagram")}>
        <div className="prose-zoom" style={{ zoom }}>
          {children}
        </div>
      </div>
    </div>
  );
}

/** A margin of the window says nothing about what scrolls inside it; one of scrolling does, where the browser knows it. */
const near: IntersectionObserverInit & { scrollMargin: string } = { rootMargin: "600px", scrollMargin: "600px" };

/** True once the element has come near the part of the page that is seen. */
function useSeen(holder: React.RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(() => typeof IntersectionObserver === "undefined");
  useEffect(() => {
    const element = holder.current;
    if (seen || !element) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setSeen(true), near);
    observer.observe(element);
    return () => observer.disconnect();
  }, [seen, holder]);
  return seen;
}
