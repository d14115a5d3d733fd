import { useSyncExternalStore } from "react";

const query = "(prefers-color-scheme: dark)";

function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "dark" || (chosen !== "light" && window.matchMedia(query).matches);
}

function subscribe(notify: () => void): () => void {
  const system = window.matchMedia(query);
  const chosen = new MutationObserver(notify);
  system.addEventListener("change", notify);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => {
    system.removeEventListener("change", notify);
    chosen.disconnect();
  };
}

/** Whether the page is dark just now, by choice or by the system. For what cannot follow tokens. */
export function useDark(): boolean {
  return useSyncExternalStore(subscribe, isDark);
}
