import { useEffect, useState } from "react";

/** Loads the next page when its place comes near. Give what it returns to that place as its ref. */
export function useMore(ready: boolean, load: () => Promise<unknown>) {
  const [place, setPlace] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (!place || !ready) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && void load(), { rootMargin: "400px" });
    observer.observe(place);
    return () => observer.disconnect();
  }, [place, ready, load]);
  return setPlace;
}
