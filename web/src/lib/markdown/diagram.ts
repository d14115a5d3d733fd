/** A drawn diagram: an SVG document, to be shown as an image and in no other way. */
export interface Drawing {
  svg: string;
  width: number;
  height: number;
}

export type DiagramTheme = "light" | "dark";

/** The drawing failed because of its source; the message is the parser's. */
export class DiagramError extends Error {
  override name = "DiagramError";
}

const page = "/sandbox/mermaid.html";
const drawLimit = 10_000;
const loadLimit = 20_000;
/** Longer sources are not drawn: the layout would take the machine with it. */
export const diagramLimit = 20_000;

interface Waiting {
  resolve: (drawing: Drawing) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * Draws Mermaid diagrams in a frame without an origin: scripts run there, but
 * they see neither this page, nor its cookies, nor the network. What comes back
 * is text, taken for an image. A diagram that does not finish takes the frame
 * down with it and the next one gets a new frame.
 */
class DiagramFrame {
  private frame: HTMLIFrameElement | undefined;
  private ready: Promise<void> | undefined;
  private waiting = new Map<number, Waiting>();
  private next = 1;

  async draw(source: string, theme: DiagramTheme): Promise<Drawing> {
    if (source.length > diagramLimit) throw new DiagramError("too long");
    this.ready ??= this.open();
    await this.ready;
    const target = this.frame?.contentWindow;
    if (!target) throw new Error("the diagram frame is gone");
    const id = this.next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.close(new DiagramError("took too long")), drawLimit);
      this.waiting.set(id, { resolve, reject, timer });
      // A frame without an origin can only be addressed as "*"; the source is not a secret from it.
      target.postMessage({ id, source, theme }, "*");
    });
  }

  private open(): Promise<void> {
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.setAttribute("aria-hidden", "true");
    frame.tabIndex = -1;
    frame.title = "";
    frame.className = "diagram-frame";
    frame.src = page;
    this.frame = frame;
    window.addEventListener("message", this.receive);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const error = new Error("the diagram frame did not load");
        this.close(error);
        reject(error);
      }, loadLimit);
      this.waiting.set(0, { resolve: () => resolve(), reject, timer });
      document.body.append(frame);
    });
  }

  private readonly receive = (event: MessageEvent) => {
    if (!this.frame || event.source !== this.frame.contentWindow) return;
    const data = event.data as { id?: unknown; svg?: unknown; error?: unknown; width?: unknown; height?: unknown } | null;
    if (typeof data?.id !== "number") return;
    const waiting = this.waiting.get(data.id);
    if (!waiting) return;
    this.waiting.delete(data.id);
    clearTimeout(waiting.timer);
    if (typeof data.svg === "string") {
      waiting.resolve({ svg: data.svg, width: positive(data.width), height: positive(data.height) });
    } else waiting.reject(new DiagramError(typeof data.error === "string" ? data.error : "not drawn"));
  };

  private close(error: Error): void {
    window.removeEventListener("message", this.receive);
    this.frame?.remove();
    this.frame = undefined;
    this.ready = undefined;
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.waiting.clear();
  }
}

function positive(value: unknown): number {
  return typeof value === "number" && value > 0 && value < 100_000 ? value : 0;
}

let shared: DiagramFrame | undefined;

/** Draws a Mermaid source; rejects with DiagramError when it is not one. */
export function drawDiagram(source: string, theme: DiagramTheme): Promise<Drawing> {
  shared ??= new DiagramFrame();
  return shared.draw(source, theme);
}

/** The address under which an SVG is shown: as an image, where nothing in it runs or loads. */
export function svgImage(svg: string): string {
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}

/** Is this code a picture? Then it may be shown as one. */
export function isSvg(language: string, code: string): boolean {
  return (language === "svg" || language === "xml" || language === "html" || language === "") && /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?<svg[\s>]/i.test(code) && /<\/svg>\s*$/i.test(code);
}
