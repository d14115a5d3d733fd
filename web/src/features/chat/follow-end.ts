import { useCallback, useEffect, useRef, useState } from "react";

/** Nearer to the end than this is at the end. */
const near = 32;

/**
 * Keeps a growing page at its end for as long as the reader is there. Going up,
 * by wheel, touch, keys or scroll bar, lets go; coming back to the end takes hold
 * again.
 */
export function useFollowEnd() {
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const [content, setContent] = useState<HTMLElement | null>(null);
  const [away, setAway] = useState(false);
  const following = useRef(true);

  const toEnd = useCallback(
    (smooth = false) => {
      following.current = true;
      setAway(false);
      scroller?.scrollTo({ top: scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    },
    [scroller],
  );

  useEffect(() => {
    if (!scroller || !content) return;
    let lastTop = scroller.scrollTop;
    const gap = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
    const hold = () => {
      scroller.scrollTo({ top: scroller.scrollHeight, behavior: "instant" });
      lastTop = scroller.scrollTop;
    };
    const onScroll = () => {
      const top = scroller.scrollTop;
      if (top < lastTop && gap() > 1) following.current = false;
      else if (top > lastTop && gap() < near) following.current = true;
      lastTop = top;
      setAway(!following.current && gap() > near);
    };
    // The wheel speaks before the page moves, so that a page in motion cannot outrun it.
    const onWheel = (event: WheelEvent) => {
      if (event.deltaY < 0 && scroller.scrollTop > 0) following.current = false;
    };
    const resize = new ResizeObserver(() => {
      if (following.current) hold();
      else setAway(gap() > near);
    });
    if (following.current) hold();
    resize.observe(content);
    resize.observe(scroller);
    scroller.addEventListener("scroll", onScroll, { passive: true });
    scroller.addEventListener("wheel", onWheel, { passive: true });
    return () => {
      resize.disconnect();
      scroller.removeEventListener("scroll", onScroll);
      scroller.removeEventListener("wheel", onWheel);
    };
  }, [scroller, content]);

  return { scroller, scrollerRef: setScroller, contentRef: setContent, away, toEnd };
}
