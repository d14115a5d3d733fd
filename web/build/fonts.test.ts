import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { withoutOlderFonts } from "./fonts";

const read = (name: string) => readFileSync(createRequire(import.meta.url).resolve(name), "utf8");

test.each(["@fontsource/noto-sans-jp/400.css", "@fontsource/noto-sans-mono/latin-400.css", "katex/dist/katex.min.css"])("%s keeps its WOFF2 fonts and nothing else", (name) => {
  const before = read(name);
  const after = withoutOlderFonts(before);
  expect(after.match(/\.woff2\)/g)?.length).toBe(before.match(/\.woff2\)/g)?.length);
  expect(after).not.toMatch(/\.(woff|ttf)\)/);
});
