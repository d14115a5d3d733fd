import type { Plugin } from "vite";

/**
 * Drops the WOFF copies from the font packages' style sheets: every browser
 * that runs this UI reads WOFF2, and the second copy would double the fonts
 * in the binary.
 */
export function woff2Only(): Plugin {
  return {
    name: "kakoi:woff2-only",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("/@fontsource/") || !id.includes(".css")) return null;
      return code.replaceAll(/,\s*url\([^)]+\.woff\)\s*format\(['"]woff['"]\)/g, "");
    },
  };
}
