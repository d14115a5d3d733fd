import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type account from "../../web/src/locales/ja/account.json";
import type admin from "../../web/src/locales/ja/admin.json";
import type chat from "../../web/src/locales/ja/chat.json";
import type common from "../../web/src/locales/ja/common.json";
import type egress from "../../web/src/locales/ja/egress.json";
import type errors from "../../web/src/locales/ja/errors.json";
import type feedback from "../../web/src/locales/ja/feedback.json";
import type frame from "../../web/src/locales/ja/frame.json";
import type history from "../../web/src/locales/ja/history.json";
import type library from "../../web/src/locales/ja/library.json";
import type markdown from "../../web/src/locales/ja/markdown.json";
import type share from "../../web/src/locales/ja/share.json";
import type shortcuts from "../../web/src/locales/ja/shortcuts.json";
import type ui from "../../web/src/locales/ja/ui.json";

interface Catalogue {
  account: typeof account;
  admin: typeof admin;
  chat: typeof chat;
  common: typeof common;
  egress: typeof egress;
  errors: typeof errors;
  feedback: typeof feedback;
  frame: typeof frame;
  history: typeof history;
  library: typeof library;
  markdown: typeof markdown;
  share: typeof share;
  shortcuts: typeof shortcuts;
  ui: typeof ui;
}

type KeyOf<T> = { [K in keyof T & string]: T[K] extends string ? (K extends `${infer Base}_other` ? Base : K) : `${K}.${KeyOf<T[K]>}` }[keyof T & string];

/** The full keys of the texts, so that one that is gone is found before the tests run. */
export type Key = KeyOf<Catalogue>;

type Tree = { [key: string]: string | Tree };

export type Locale = "ja" | "en";

const catalogues = new Map<Locale, Map<string, string>>();

/** Every text of a language by its full key, such as "chat.stop". */
export function catalogue(locale: Locale): ReadonlyMap<string, string> {
  let texts = catalogues.get(locale);
  if (!texts) {
    texts = new Map();
    const dir = resolve(import.meta.dirname, "../../web/src/locales", locale);
    for (const file of readdirSync(dir)) {
      if (file.endsWith(".json")) flatten(JSON.parse(readFileSync(join(dir, file), "utf8")) as Tree, file.slice(0, -".json".length), texts);
    }
    catalogues.set(locale, texts);
  }
  return texts;
}

function flatten(tree: Tree, path: string, into: Map<string, string>): void {
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") into.set(`${path}.${key}`, value);
    else flatten(value, `${path}.${key}`, into);
  }
}

/** The words the interface has for a key, so that a test follows them when they change. */
export type Words = (key: Key, values?: Record<string, string | number>) => string;

export function words(locale: Locale): Words {
  return (key, values = {}) => {
    const texts = catalogue(locale);
    const form = locale === "en" && values.count === 1 ? "one" : "other";
    const text = texts.get(key) ?? texts.get(`${key}_${form}`);
    if (text === undefined) throw new Error(`there are no ${locale} words for ${key}`);
    return text.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => String(values[name] ?? `{{${name}}}`));
  };
}

/** Japanese, the language that tests speak unless they are about another. */
export const ja = words("ja");
