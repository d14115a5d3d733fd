import { defineConfig } from "@playwright/test";
import tests from "./playwright.config";

/** Measures a long conversation in the browser: no test, run by `make bench-browser`. */
export default defineConfig({ ...tests, testMatch: "long.ts", retries: 0, use: { ...tests.use, trace: "off" } });
