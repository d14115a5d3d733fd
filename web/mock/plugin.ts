import type { Plugin } from "vite";

/** Answers the API from memory, for looking at pages and for tests of them. */
export function mockApi(): Plugin {
  return { name: "kakoi:mock-api" };
}
