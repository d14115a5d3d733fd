/**
 * Runs `work` once per animation frame however often it is asked for, and still
 * runs it where frames stand still (a hidden tab, an occluded window).
 */
export interface FrameBatch {
  request(): void;
  /** Runs what was asked for now. */
  flush(): void;
  cancel(): void;
}

const longestWait = 250;

export function createFrameBatch(work: () => void): FrameBatch {
  let frame: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const clear = () => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = timer = undefined;
  };
  const run = () => {
    clear();
    work();
  };
  return {
    request() {
      if (timer !== undefined) return;
      if (!document.hidden) frame = requestAnimationFrame(run);
      timer = setTimeout(run, longestWait);
    },
    flush() {
      if (timer !== undefined) run();
    },
    cancel: clear,
  };
}
