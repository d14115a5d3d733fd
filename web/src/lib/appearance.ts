import { useSyncExternalStore } from "react";
import type { Density, Locale, Theme } from "./api/types";

// The same keys are read by public/theme.js before the first paint.
const themeKey = "kakoi.theme";
const localeKey = "kakoi.locale";
const densityKey = "kakoi.density";

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // forbidden by policy: the choice lasts as long as the page
  }
}

function write(key: string, value: string | null) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // As above.
  }
}

/** Shows the theme now and on this browser's next visit. */
export function applyTheme(theme: Theme) {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  write(themeKey, theme === "system" ? null : theme);
}

/** The theme this browser was last told to show. */
export function storedTheme(): Theme {
  const value = read(themeKey);
  return value === "light" || value === "dark" ? value : "system";
}

let eraShown = false;
const listeners = new Set<() => void>();
const told = () => listeners.forEach((listener) => listener());
const listen = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** Shows years by the Japanese era, or as they are counted elsewhere. */
export function applyEra(era: boolean) {
  if (eraShown === era) return;
  eraShown = era;
  told();
}

/** Whether years are shown by the Japanese era. */
export const useEra = (): boolean => useSyncExternalStore(listen, () => eraShown);

/** How close lists and messages stand, now and on this browser's next visit; tokens.css has the measures. */
export function applyDensity(density: Density) {
  const root = document.documentElement;
  if (density === "compact") root.dataset.density = density;
  else delete root.dataset.density;
  write(densityKey, density === "compact" ? density : null);
  told();
}

/** Whether lists and messages stand close. */
export const useCompact = (): boolean => useSyncExternalStore(listen, () => document.documentElement.dataset.density === "compact");

/** Remembers the language for this browser's next visit. */
export function storeLocale(locale: Locale) {
  write(localeKey, locale);
}

/** The language to start in: the stored one, else the browser's, else Japanese. */
export function startLocale(): Locale {
  const stored = read(localeKey);
  if (stored === "ja" || stored === "en") return stored;
  return navigator.languages.some((l) => l.toLowerCase().startsWith("ja")) || navigator.languages.length === 0 ? "ja" : "en";
}
