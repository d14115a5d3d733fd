import { Copy, Download, Maximize, Minus, Plus } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { downloadTable } from "@/features/history/api";
import { type Chart, type ChartType, canBePie, cellsOfChart, chartOfCells, readChart } from "@/lib/chart";
import { downloadText } from "@/lib/download";
import { type DiagramTheme, type Drawing, copyRich, drawDiagram, svgImage, tableHtml, toCsv, toTsv } from "@/lib/markdown";
import { useDark } from "@/lib/use-dark";
import { Button, IconButton } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { RadioGroup } from "@/ui/choice";
import type { Beside, TablePlace } from "@/ui/markdown/beside";
import { CellsTable, ChartDrawing } from "@/ui/markdown/chart-view";
import { CodeText } from "@/ui/markdown/code-block";
import { Skeleton } from "@/ui/skeleton";
import { Tabs } from "@/ui/tabs";
import { toast } from "@/ui/toast";
import { useAct } from "@/ui/use-act";
import { downloadPng } from "./png";

/** What stands over a block beside the answer. */
export function useBesideTitle(block: Beside): string {
  const { t } = useTranslation("markdown");
  return t(block.kind);
}

/** A block with all that can be done with it. */
export function BesideBody({ block }: { block: Beside }) {
  switch (block.kind) {
    case "diagram":
      return <Diagram source={block.source} />;
    case "picture":
      return <Picture drawing={{ svg: block.source, width: 0, height: 0 }} source={block.source} language="svg" kind="picture" />;
    case "html":
      return <Html source={block.source} />;
    case "chart":
      return <ChartBlock source={block.source} />;
    case "table":
      return <Cells cells={block.cells} chart={undefined} place={block.place} />;
  }
}

/** Two faces of a block: what it shows and what it is. */
function Faces({ faces }: { faces: { value: string; label: string; content: ReactNode }[] }) {
  const { t } = useTranslation("markdown");
  const [face, setFace] = useState(faces[0]?.value ?? "");
  return (
    <div className="min-h-0 flex-1 overflow-y-auto px-4 pt-1 pb-6">{faces.length > 1 ? <Tabs label={t("face")} value={face} onChange={setFace} tabs={faces} /> : <div className="pt-4">{faces[0]?.content}</div>}</div>
  );
}

function Source({ language, code }: { language: string; code: string }) {
  const { t } = useTranslation("markdown");
  return (
    <div className="grid gap-2">
      <span className="justify-self-end">
        <CopyButton text={code} label={t("copyCode")} words={t("copy")} />
      </span>
      <div className="prose overflow-hidden rounded-8 border border-rule">
        <CodeText language={language} code={code} open={false} cursor={false} wrap />
      </div>
    </div>
  );
}

function Diagram({ source }: { source: string }) {
  const { t } = useTranslation("markdown");
  const theme: DiagramTheme = useDark() ? "dark" : "light";
  const [drawing, setDrawing] = useState<Drawing | "failed">();
  useEffect(() => {
    let live = true;
    drawDiagram(source, theme).then(
      (drawn) => live && setDrawing(drawn),
      () => live && setDrawing("failed"),
    );
    return () => {
      live = false;
    };
  }, [source, theme]);
  if (!drawing) return <Skeleton className="p-4" />;
  if (drawing === "failed") {
    return (
      <div className="grid gap-3 p-4">
        <p className="text-14 text-muted">{t("diagramFailed")}</p>
        <Source language="mermaid" code={source} />
      </div>
    );
  }
  return <Picture drawing={drawing} source={source} language="mermaid" kind="diagram" />;
}

function Picture({ drawing, source, language, kind }: { drawing: Drawing; source: string; language: string; kind: "diagram" | "picture" }) {
  const { t } = useTranslation("markdown");
  return (
    <Faces
      faces={[
        {
          value: "picture",
          label: t("shownAs"),
          content: (
            <Zoomable
              drawing={drawing}
              label={t(kind)}
              acts={
                <>
                  <Button tone="quiet" size="dense" icon={Download} aria-label={t("svg")} onPress={() => downloadText(t(kind === "diagram" ? "diagramFile" : "pictureFile"), "image/svg+xml", drawing.svg)}>
                    {"SVG"}
                  </Button>
                  <Button
                    tone="quiet"
                    size="dense"
                    icon={Download}
                    aria-label={t("png")}
                    onPress={() => void downloadPng(t(kind === "diagram" ? "diagramPng" : "picturePng"), drawing).catch(() => toast({ tone: "danger", text: t("pngFailed") }))}
                  >
                    {"PNG"}
                  </Button>
                </>
              }
            />
          ),
        },
        { value: "source", label: t("source"), content: <Source language={language} code={source} /> },
      ]}
    />
  );
}

const steps = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4];

/** A picture to look at closely: larger and smaller by button, key and wheel, moved by hand. */
function Zoomable({ drawing, label, acts }: { drawing: Drawing; label: string; acts: ReactNode }) {
  const { t } = useTranslation("markdown");
  const [zoom, setZoom] = useState<number>(); // none: as large as there is room
  const [natural, setNatural] = useState(drawing.width);
  const box = useRef<HTMLDivElement>(null);
  const shown = () => zoom ?? Math.min(1, (box.current?.clientWidth ?? natural) / (natural || 1));
  const larger = () => setZoom(steps.find((s) => s > shown() + 0.01) ?? 4);
  const smaller = () => setZoom([...steps].reverse().find((s) => s < shown() - 0.01) ?? 0.25);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    // React listens to wheels passively; this one must not zoom the page.
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      setZoom((old) => {
        const now = old ?? Math.min(1, element.clientWidth / (natural || 1));
        return Math.min(4, Math.max(0.25, now * (event.deltaY < 0 ? 1.15 : 1 / 1.15)));
      });
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [natural]);

  const grip = useRef<{ x: number; y: number; left: number; top: number }>(null);
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return; // fingers scroll by themselves
    const { scrollLeft: left, scrollTop: top } = event.currentTarget;
    grip.current = { x: event.clientX, y: event.clientY, left, top };
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    if (!grip.current) return;
    event.currentTarget.scrollLeft = grip.current.left - (event.clientX - grip.current.x);
    event.currentTarget.scrollTop = grip.current.top - (event.clientY - grip.current.y);
  };
  const letGo = () => (grip.current = null);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === ";") larger();
    else if (event.key === "-") smaller();
    else if (event.key === "0") setZoom(undefined);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="grid gap-2">
      <div className="flex flex-wrap items-center gap-1">
        <IconButton icon={Minus} size="dense" label={t("smaller")} onPress={smaller} />
        <IconButton icon={Plus} size="dense" label={t("larger")} onPress={larger} />
        <IconButton icon={Maximize} iconSize={16} size="dense" label={t("fit")} onPress={() => setZoom(undefined)} />
        <span className="ml-auto flex">{acts}</span>
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        ref={box}
        role="group"
        aria-label={label}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={letGo}
        onPointerCancel={letGo}
        className="max-h-[70dvh] min-h-40 cursor-grab overflow-auto rounded-8 border border-rule p-3 active:cursor-grabbing"
      >
        <img
          src={svgImage(drawing.svg)}
          alt={label}
          draggable={false}
          onLoad={(event) => setNatural(drawing.width || event.currentTarget.naturalWidth)}
          style={zoom === undefined ? { maxWidth: "100%" } : { width: natural * zoom, maxWidth: "none" }}
        />
      </div>
    </div>
  );
}

/**
 * An HTML page of an answer, in a frame without origin, scripts or network:
 * its policy comes from the server with everything under /sandbox/.
 */
function Html({ source }: { source: string }) {
  const { t } = useTranslation("markdown");
  const frame = useRef<HTMLIFrameElement>(null);
  useEffect(() => {
    const onMessage = (event: MessageEvent) => {
      const target = frame.current?.contentWindow;
      // A frame without an origin can only be addressed as "*"; the source is not a secret from it.
      if (target && event.source === target && (event.data as { preview?: unknown } | null)?.preview === "ready") target.postMessage({ html: source }, "*");
    };
    window.addEventListener("message", onMessage);
    return () => window.removeEventListener("message", onMessage);
  }, [source]);
  return (
    <Faces
      faces={[
        {
          value: "page",
          label: t("shownAs"),
          content: (
            <div className="grid gap-2">
              <p className="text-14 text-muted">{t("htmlStill")}</p>
              {/* Pages are written for white paper. */}
              <iframe ref={frame} title={t("html")} src="/sandbox/preview.html" sandbox="allow-scripts" referrerPolicy="no-referrer" className="h-[70dvh] w-full rounded-8 border border-rule bg-white" style={{ colorScheme: "light" }} />
            </div>
          ),
        },
        { value: "source", label: t("source"), content: <Source language="html" code={source} /> },
      ]}
    />
  );
}

function ChartBlock({ source }: { source: string }) {
  const chart = readChart(source);
  return chart ? <Cells cells={cellsOfChart(chart)} chart={chart} /> : <Faces faces={[{ value: "source", label: "", content: <Source language="chart" code={source} /> }]} />;
}

/** Cells as a table, and as a chart where they have numbers. */
function Cells({ cells, chart, place }: { cells: string[][]; chart: Chart | undefined; place?: TablePlace | undefined }) {
  const { t } = useTranslation("markdown");
  const data = chart ?? chartOfCells(cells);
  const act = useAct();
  const [writing, setWriting] = useState(false);
  const workbook = async (at: TablePlace) => {
    setWriting(true);
    await act(() => downloadTable(at));
    setWriting(false);
  };
  const copy = async () => {
    if (await copyRich(toTsv(cells), tableHtml(cells))) toast({ text: t("tableCopied") });
    else toast({ tone: "danger", text: t("copyFailed") });
  };
  const table = {
    value: "table",
    label: t("table"),
    content: (
      <div className="grid grid-cols-[minmax(0,1fr)] gap-2">
        <div className="flex flex-wrap justify-end gap-1">
          {place && (
            <Button tone="quiet" size="dense" icon={Download} aria-label={t("tableWorkbook")} isPending={writing} onPress={() => void workbook(place)}>
              {t("xlsx")}
            </Button>
          )}
          <Button tone="quiet" size="dense" icon={Download} aria-label={t("tableDownload")} onPress={() => downloadText(t("tableFile"), "text/csv", toCsv(cells))}>
            {t("csv")}
          </Button>
          <Button tone="quiet" size="dense" icon={Copy} aria-label={t("tableCopy")} onPress={() => void copy()}>
            {t("copy")}
          </Button>
        </div>
        <div className="prose overflow-hidden rounded-8 border border-rule text-14">
          <CellsTable cells={cells} />
        </div>
      </div>
    ),
  };
  if (!data) return <Faces faces={[table]} />;
  const drawn = { value: "chart", label: t("chart"), content: <ChartFace chart={{ type: "bar", ...data }} /> };
  return <Faces faces={chart ? [drawn, table] : [table, drawn]} />;
}

function ChartFace({ chart }: { chart: Chart }) {
  const { t } = useTranslation("markdown");
  const [type, setType] = useState<ChartType>(chart.type);
  const types: ChartType[] = canBePie(chart) ? ["bar", "line", "pie"] : ["bar", "line"];
  return (
    <div className="grid gap-4">
      <RadioGroup<ChartType> label={t("chartKind")} hideLabel layout="row" value={type} onChange={setType} options={types.map((value) => ({ value, label: t(value) }))} />
      {chart.title && <h3 className="text-14">{chart.title}</h3>}
      <ChartDrawing chart={{ ...chart, type: types.includes(type) ? type : "bar" }} />
    </div>
  );
}
