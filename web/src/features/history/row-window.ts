import { useEffect, useState } from "react";

const beside = 12;
const atLeast = 40;

/**
 * Which rows of a long list of equal rows are to be in the page: those seen and
 * a few beside them. before and after are the room of the others in pixels.
 */
export function useRowWindow(count: number, rowHeight: number, scroller: HTMLElement | null) {
  const [range, setRange] = useState({ first: 0, last: atLeast });
  useEffect(() => {
    if (!scroller) return;
    const measure = () => {
      const first = Math.max(0, Math.floor(scroller.scrollTop / rowHeight) - beside);
      const last = Math.max(first + atLeast, Math.ceil((scroller.scrollTop + scroller.clientHeight) / rowHeight) + beside);
      setRange((old) => (old.first === first && old.last === last ? old : { first, last }));
    };
    measure();
    scroller.addEventListener("scroll", measure, { passive: true });
    const sizes = typeof ResizeObserver === "undefined" ? undefined : new ResizeObserver(measure);
    sizes?.observe(scroller);
    return () => {
      scroller.removeEventListener("scroll", measure);
      sizes?.disconnect();
    };
  }, [scroller, rowHeight]);
  const last = Math.min(range.last, count);
  const first = Math.min(range.first, Math.max(0, last - 1));
  return { first, last, before: first * rowHeight, after: (count - last) * rowHeight };
}
