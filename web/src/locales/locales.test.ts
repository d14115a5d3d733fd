import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { en } from "./en";
import glossary from "./glossary.json";
import { ja } from "./ja";

type Tree = { [key: string]: string | Tree };

/** The texts of a language by full key, plural endings taken off. */
function flat(tree: Tree, path = ""): Map<string, string[]> {
  const texts = new Map<string, string[]>();
  for (const [key, value] of Object.entries(tree)) {
    const full = path ? `${path}.${key}` : key;
    if (typeof value === "string") {
      const base = full.replace(/_(one|other)$/, "");
      texts.set(base, [...(texts.get(base) ?? []), value]);
    } else {
      for (const [k, v] of flat(value, full)) texts.set(k, v);
    }
  }
  return texts;
}

const japanese = flat(ja);
const english = flat(en);

function* sources(dir: string): Generator<string> {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.tsx?$/.test(entry.name) && !/(\.test|^testing|^samples)\.tsx?$/.test(entry.name)) yield path;
  }
}

test("both languages have the same keys", () => {
  expect([...english.keys()].sort()).toEqual([...japanese.keys()].sort());
});

test("both languages name the same values in every text", () => {
  const values = (texts: string[] | undefined) => [...new Set((texts ?? []).flatMap((text) => text.match(/\{\{\s*\w+\s*\}\}/g) ?? []))].sort();
  for (const [key, texts] of japanese) {
    const has = new Set(values(english.get(key)));
    // A plural form may leave the number out; nothing else may be missing.
    for (const value of values(texts)) if (value !== "{{count}}") expect(has, key).toContain(value);
  }
});

test("English has both forms of a plural, Japanese its one", () => {
  const walk = (tree: Tree, path: string, see: (key: string, keys: string[]) => void) => {
    for (const [key, value] of Object.entries(tree)) {
      if (typeof value === "string") see(`${path}.${key}`, Object.keys(tree));
      else walk(value, `${path}.${key}`, see);
    }
  };
  walk(en, "en", (key, keys) => {
    const name = key.split(".").at(-1) ?? "";
    if (name.endsWith("_other")) expect(keys, key).toContain(name.replace(/_other$/, "_one"));
  });
  walk(ja, "ja", (key) => expect(key).not.toMatch(/_one$/));
});

test("no text is empty, and none of ours shouts", () => {
  for (const [language, texts] of [["ja", japanese], ["en", english]] as const) {
    for (const [key, forms] of texts) {
      for (const text of forms) {
        expect(text, `${language} ${key}`).not.toBe("");
        expect(text, `${language} ${key}`).not.toMatch(/[!！]/);
      }
    }
  }
});

test("the same thing has the same word everywhere", () => {
  for (const { ja: word, avoid } of glossary) {
    for (const bad of avoid) {
      for (const [key, forms] of japanese) {
        for (const text of forms) expect(text.includes(bad), `${key}: 「${bad}」 should be 「${word}」`).toBe(false);
      }
    }
  }
});

test("every error code of the server has its words", () => {
  const go = readFileSync(join(import.meta.dirname, "../../../internal/errs/errs.go"), "utf8");
  const codes = [...go.matchAll(/Code = "([a-z_]+)"/g)].map((m) => m[1] ?? "");
  expect(codes.length).toBeGreaterThan(30);
  const ours = Object.keys(ja.errors).filter((code) => code !== "unknown" && code !== "unreachable");
  expect(ours.sort()).toEqual(codes.sort());
});

test("no Japanese stands in the code outside the locales", () => {
  const src = join(import.meta.dirname, "..");
  for (const path of sources(src)) {
    if (path.includes("/locales/") || path.includes("/features/kit/")) continue;
    const code = readFileSync(path, "utf8")
      .replace(/\/\*[\s\S]*?\*\//g, "")
      .replace(/(^|\s)\/\/.*$/gm, "");
    const literals = [...code.matchAll(/["'`>][^"'`<\n]*[\u3040-\u30ff\u4e00-\u9fff][^"'`<\n]*/g)].map((m) => m[0]);
    // Units and eras that Intl does not give are the business of format.ts.
    if (path.endsWith("/lib/format.ts")) continue;
    expect(literals, path).toEqual([]);
  }
});
