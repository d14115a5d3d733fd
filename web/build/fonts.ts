import type { Plugin } from "vite";

const older = /,\s*url\([^)]+\.(woff|ttf)\)\s*format\(['"](woff|truetype)['"]\)/g;

/** A style sheet without the older forms of its fonts. */
export function withoutOlderFonts(css: string): string {
  return css.replaceAll(older, "");
}

/**
 * Drops the WOFF and TrueType copies from the style sheets of packages that
 * bring fonts: every browser that runs this UI reads WOFF2, and the copies
 * would double the fonts in the binary.
 */
export function woff2Only(): Plugin {
  return {
    name: "kakoi:woff2-only",
    enforce: "pre",
    transform(code, id) {
      if (!/\/node_modules\/(@fontsource|katex)\/.*\.css/.test(id)) return null;
      return withoutOlderFonts(code);
    },
  };
}
