import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const tokens = readFileSync(join(import.meta.dirname, "tokens.css"), "utf8");
const primitives = readFileSync(createRequire(import.meta.url).resolve("@digital-go-jp/tailwind-theme-plugin/v4"), "utf8");

function declarations(css: string): Map<string, string> {
  return new Map([...css.matchAll(/--([\w-]+):\s*([^;]+);/g)].map((m) => [m[1] ?? "", m[2] ?? ""]));
}

function block(selector: string): Map<string, string> {
  const start = tokens.indexOf(`${selector} {`);
  expect(start, selector).toBeGreaterThan(-1);
  return declarations(tokens.slice(start, tokens.indexOf("}", start)));
}

const scale = declarations(primitives);
const light = block('[data-theme="light"]');
const dark = block('\n[data-theme="dark"]');
const system = block(':root:not([data-theme="light"])');

function luminance(theme: Map<string, string>, name: string): number {
  const value = theme.get(name) ?? "";
  const primitive = /var\(--([\w-]+)\)/.exec(value)?.[1];
  const hex = primitive ? scale.get(primitive) : value;
  expect(hex, name).toMatch(/^#[0-9a-f]{6}$/);
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((i) => parseInt((hex ?? "").slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(theme: Map<string, string>, a: string, b: string): number {
  const [x, y] = [luminance(theme, a), luminance(theme, b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

test("the system's dark and the chosen dark are the same", () => {
  expect(Object.fromEntries(system)).toEqual(Object.fromEntries(dark));
});

test("both themes define the same names", () => {
  expect([...dark.keys()].sort()).toEqual([...light.keys()].sort());
});

describe.each([
  ["light", light],
  ["dark", dark],
])("in the %s theme", (_name, theme) => {
  const surfaces = ["surface", "surface-side", "surface-raised", "surface-overlay", "surface-hover", "surface-selected"];

  test.each(surfaces)("text and muted text can be read on %s", (surface) => {
    expect(contrast(theme, "text", surface)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(theme, "text-muted", surface)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(theme, "danger", surface)).toBeGreaterThanOrEqual(4.5);
  });

  test.each([
    ["on-accent", "accent"],
    ["on-accent", "accent-hover"],
    ["accent", "surface"],
    ["accent", "surface-side"],
    ["accent", "surface-raised"],
    ["accent", "surface-overlay"],
    ["accent", "accent-soft"],
    ["text", "mark"],
    ["text", "danger-soft"],
    ["text-muted", "danger-soft"],
    ["text-muted", "accent-soft"],
    ["danger", "danger-soft"],
    ["warning", "warning-soft"],
    ["success", "success-soft"],
    ["text-disabled", "surface"],
  ])("%s can be read on %s", (text, surface) => {
    expect(contrast(theme, text, surface)).toBeGreaterThanOrEqual(4.5);
  });

  test.each([
    ["border-control", "surface"],
    ["border-control", "surface-raised"],
    ["focus", "surface"],
    ["focus", "focus-gap"],
  ])("%s stands out from %s", (edge, surface) => {
    expect(contrast(theme, edge, surface)).toBeGreaterThanOrEqual(3);
  });
});
