import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { DiagramError, diagramLimit, drawDiagram, svgImage } from "./diagram";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  await vi.advanceTimersByTimeAsync(60_000); // whatever still waits ends, and the frame with it
  vi.useRealTimers();
});

const frame = () => document.querySelector<HTMLIFrameElement>("iframe.diagram-frame");
const answer = (data: unknown, source: MessageEventSource | null | undefined = frame()?.contentWindow) => window.dispatchEvent(new MessageEvent("message", { data, source: source ?? null }));

/** Asks for a drawing and returns the number under which the frame is asked. The first asking opens the frame. */
async function asked(source: string) {
  if (frame() === null) {
    drawDiagram("", "light").catch(() => undefined);
    answer({ id: 0, svg: "" });
  }
  await vi.advanceTimersByTimeAsync(0);
  const sent = vi.spyOn(frame()?.contentWindow as Window, "postMessage");
  const drawing = drawDiagram(source, "light");
  drawing.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  return { drawing, id: (sent.mock.lastCall?.[0] as { id: number } | undefined)?.id };
}

it("draws in a frame that may run scripts and nothing else, and takes its word only", async () => {
  const { drawing, id } = await asked("flowchart LR");
  expect(frame()?.getAttribute("sandbox")).toBe("allow-scripts");
  answer({ id, svg: "<svg>forged</svg>" }, window);
  answer({ id, svg: "<svg/>", width: 10, height: "20" });
  await expect(drawing).resolves.toEqual({ svg: "<svg/>", width: 10, height: 0 });
});

it("passes on what the parser said", async () => {
  const { drawing, id } = await asked("x");
  answer({ id, error: "Parse error on line 1" });
  await expect(drawing).rejects.toThrow(new DiagramError("Parse error on line 1"));
});

it("takes the frame down with a drawing that does not end", async () => {
  const { drawing } = await asked("flowchart LR");
  const before = frame();
  const failed = expect(drawing).rejects.toThrow("took too long");
  await vi.advanceTimersByTimeAsync(10_000);
  await failed;
  expect(before?.isConnected).toBe(false);
});

it("does not try what is too long", async () => {
  await expect(drawDiagram("x".repeat(diagramLimit + 1), "light")).rejects.toThrow(DiagramError);
});

it("gives an address that only an image takes", () => {
  expect(svgImage('<svg onload="alert(1)">#</svg>')).toBe("data:image/svg+xml;charset=utf-8,%3Csvg%20onload%3D%22alert(1)%22%3E%23%3C%2Fsvg%3E");
});
