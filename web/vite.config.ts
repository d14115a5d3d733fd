import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { diagramSandbox } from "./build/diagram-sandbox";
import { woff2Only } from "./build/fonts";
import { precompress } from "./build/precompress";
import { mockChat } from "./mock/chat";
import { mockApi } from "./mock/plugin";

/**
 * The policy the server sends with every page. The preview server sends the
 * same one, so that a violation shows up before the binary is built.
 */
const csp = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

/**
 * What every page needs, in three files that change at different times: a new
 * release of ours leaves the first two in the browser's cache. Everything else
 * is split by where it is imported.
 */
function chunkOf(id: string): string | undefined {
  if (/\/node_modules\/(react|react-dom|scheduler|@tanstack\/[\w-]+|i18next|react-i18next|html-parse-stringify|void-elements|use-sync-external-store|openapi-fetch)\//.test(id)) return "framework";
  if (/\/node_modules\/(react-aria|react-stately|react-aria-components|@react-(aria|stately|types)\/[\w-]+|@internationalized\/[\w-]+|@swc\/helpers|client-only|aria-hidden)\//.test(id)) return "aria";
  if (/\/src\/(ui|lib)\/(?!markdown|stream)/.test(id) || /\/node_modules\/lucide-react\/dist\/esm\/(?!icons\/)/.test(id)) return "kit";
  return undefined;
}

export default defineConfig(({ mode }) => {
  const mocked = mode === "mock";
  return {
    plugins: [woff2Only(), react(), tailwindcss(), diagramSandbox(), mocked ? [mockChat(), mockApi()] : precompress()],
    resolve: { alias: { "@": fileURLToPath(new URL("src", import.meta.url)) } },
    // The kit page shows every component in every state; it is for us, not for users.
    define: { __KIT__: JSON.stringify(mode !== "production") },
    build: {
      target: "es2022",
      assetsInlineLimit: 0, // data: URLs would need a wider policy
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 700,
      reportCompressedSize: false,
      rollupOptions: { output: { manualChunks: chunkOf } },
    },
    server: { proxy: mocked ? undefined : { "/api": "http://127.0.0.1:8080" } },
    preview: { headers: { "Content-Security-Policy": csp, "X-Content-Type-Options": "nosniff" } },
    test: {
      environment: "jsdom",
      setupFiles: ["src/test/setup.ts"],
      include: ["src/**/*.test.{ts,tsx}", "mock/**/*.test.ts", "build/**/*.test.ts"],
      restoreMocks: true,
      css: false,
      testTimeout: 20_000, // the first test of a page loads the page, on a machine that may be busy
    },
  };
});
