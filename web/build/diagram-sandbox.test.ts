import { expect, it } from "vitest";
import { sandboxFiles, sandboxHeaders } from "./diagram-sandbox";

it("makes a page that loads one script of its own name, and nothing inline", () => {
  const [page, script] = sandboxFiles();
  expect(page?.name).toBe("mermaid.html");
  expect(script?.name).toMatch(/^mermaid-[0-9a-f]{10}\.js$/);
  expect([...(page?.body.matchAll(/<script[^>]*>/g) ?? [])].map(String)).toEqual([`<script src="${script?.name ?? ""}">`]);
  expect(script?.body).not.toMatch(/^\s*(?:import|export)\s/m);
});

it("gives the frame no origin and no network", () => {
  const policy = sandboxHeaders["Content-Security-Policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toMatch(/sandbox allow-scripts$/);
  expect(policy).not.toContain("allow-same-origin");
  expect(policy).not.toContain("connect-src");
});
