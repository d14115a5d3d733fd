import { cleanup } from "@testing-library/react";
import { afterEach, beforeAll } from "vitest";
import { startI18n } from "@/lib/i18n";

// jsdom has no layout: every media query fails, as on a small light screen.
window.matchMedia ??= (query: string) => ({
  matches: false,
  media: query,
  onchange: null,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
  addListener: () => undefined,
  removeListener: () => undefined,
  dispatchEvent: () => false,
});

window.scrollTo = () => undefined;
Element.prototype.scrollTo ??= () => undefined;

class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}
window.ResizeObserver ??= Observer;
window.IntersectionObserver ??= Observer as unknown as typeof IntersectionObserver;
URL.createObjectURL ??= () => "blob:x";
URL.revokeObjectURL ??= () => undefined;

// Nor has it CSS.escape, which React Aria calls on its own generated ids.
window.CSS ??= {} as typeof CSS;
window.CSS.escape ??= (text: string) => text.replace(/[^\w-]/g, "\\$&");

beforeAll(() => startI18n("ja"));
afterEach(cleanup);

Element.prototype.scrollIntoView ??= () => undefined; // what jsdom does not draw it cannot scroll
