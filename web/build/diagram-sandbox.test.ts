import { expect, it } from "vitest";
import { sandboxFiles, sandboxHeaders } from "./diagram-sandbox";

it.each([
  ["mermaid", 0],
  ["preview", 2],
])("makes a page %s that loads one script of its own name, and nothing inline", (name, at) => {
  const [page, script] = sandboxFiles().slice(at);
  expect(page?.name).toBe(`${name}.html`);
  expect(script?.name).toMatch(new RegExp(`^${name}-[0-9a-f]{10}\\.js$`));
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
