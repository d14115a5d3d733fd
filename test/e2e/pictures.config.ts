import { defineConfig } from "@playwright/test";
import tests from "./playwright.config";

/** Takes the pictures of the README: no test, run by `make pictures`. */
export default defineConfig({ ...tests, testMatch: "pictures.ts" });
