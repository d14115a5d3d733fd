import type { Command } from "@/lib/commands";

export interface Shortcut {
  /** Names its words. */
  name: Command | "palette";
  /** As the key says it, whatever keyboard it is on. */
  key: string;
  /** What stands on the key, where that is not its letter. */
  label?: string;
  /** With Ctrl (or Command) it writes nothing, so it holds while writing, too. */
  control?: boolean;
}

/** Every key that does something anywhere: the one list, for the eye and for the ear of the page. */
export const shortcuts: readonly Shortcut[] = [
  { name: "palette", key: "k", control: true }, // the palette listens itself
  { name: "newConversation", key: "n" },
  { name: "temporaryConversation", key: "t" },
  { name: "focusComposer", key: "/" },
  { name: "dictate", key: ";", control: true },
  { name: "stop", key: ".", control: true },
  { name: "copyAnswer", key: "c" },
  { name: "toggleSide", key: "[" },
  { name: "help", key: "?" },
];

/** Where letters mean themselves: fields, and lists that are searched by typing. */
const writing = "input,textarea,select,[contenteditable]:not([contenteditable=false]),[role=textbox],[role=menu],[role=listbox],[role=combobox]";
/** What lies over the page has the keys to itself. */
const over = "[role=dialog],[role=alertdialog]";

/** The command a key asks for; never while something is written or an input method is at work. */
export function commandOf(event: KeyboardEvent, single: boolean): Command | undefined {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.altKey || event.repeat) return undefined;
  const control = event.ctrlKey || event.metaKey;
  const found = shortcuts.find((s) => s.key === (control ? event.key.toLowerCase() : event.key) && Boolean(s.control) === control);
  if (!found || found.name === "palette") return undefined;
  const at = event.target instanceof Element ? event.target : null;
  if (at?.closest(over)) return undefined;
  if (!found.control && (!single || at?.closest(writing))) return undefined;
  return found.name;
}

const storeKey = "kakoi.keys";

/** Whether keys without Ctrl do anything: a voice that types by mistake must be able to turn them off. */
export function keysOn(): boolean {
  try {
    return localStorage.getItem(storeKey) !== "off";
  } catch {
    return true;
  }
}

const listeners = new Set<() => void>();

/** Hears when they are turned on or off. */
export function onKeysChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function setKeysOn(on: boolean): void {
  try {
    if (on) localStorage.removeItem(storeKey);
    else localStorage.setItem(storeKey, "off");
  } catch {
    // Full or forbidden: it stays as it was.
  }
  listeners.forEach((listener) => listener());
}
