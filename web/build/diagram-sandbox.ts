import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Connect, Plugin } from "vite";

/**
 * The policy of the frames under /sandbox/. Our server sends the same for every path
 * under /sandbox/: scripts from there and nothing else, no origin, no network.
 * Inline styles are how Mermaid draws; in a frame without an origin they touch
 * nobody.
 */
export const sandboxHeaders: Record<string, string> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts",
  // The frame has no origin, so its own script comes to it from "elsewhere".
  "Cross-Origin-Resource-Policy": "cross-origin",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

/** The files of the frames, of diagrams and of previews: a page and one plain script each (a module would need CORS). */
export function sandboxFiles(): { name: string; body: string; type: string }[] {
  const mermaid = join(dirname(createRequire(import.meta.url).resolve("mermaid/package.json")), "dist/mermaid.min.js");
  const ours = (name: string) => readFileSync(join(dirname(fileURLToPath(import.meta.url)), "../src/lib/markdown/sandbox", name), "utf8");
  return [...frame("mermaid", `${readFileSync(mermaid, "utf8")}\n${ours("frame.js")}`), ...frame("preview", ours("preview.js"))];
}

function frame(of: string, script: string): { name: string; body: string; type: string }[] {
  const name = `${of}-${createHash("sha256").update(script).digest("hex").slice(0, 10)}.js`;
  const page = `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Kakoi</title>\n<script src="${name}"></script>\n</html>\n`;
  return [
    { name: `${of}.html`, body: page, type: "text/html; charset=utf-8" },
    { name, body: script, type: "text/javascript; charset=utf-8" },
  ];
}

/** Writes the diagram frame to /sandbox/ and serves it there in development. */
export function diagramSandbox(): Plugin {
  const serve: Connect.NextHandleFunction = (req, res, next) => {
    const file = req.url?.startsWith("/sandbox/") ? sandboxFiles().find((f) => req.url === `/sandbox/${f.name}`) : undefined;
    if (!file) return next();
    for (const [name, value] of Object.entries(sandboxHeaders)) res.setHeader(name, value);
    res.setHeader("Content-Type", file.type);
    res.end(file.body);
  };
  return {
    name: "kakoi:diagram-sandbox",
    configureServer: (server) => void server.middlewares.use(serve),
    configurePreviewServer: (server) => void server.middlewares.use(serve),
    generateBundle() {
      for (const file of sandboxFiles()) this.emitFile({ type: "asset", fileName: `sandbox/${file.name}`, source: file.body });
    },
  };
}
