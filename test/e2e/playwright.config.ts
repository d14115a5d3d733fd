import { defineConfig } from "@playwright/test";

const browsersOwn = [
  "*.gvt1.com", "*-pa.googleapis.com", "accounts.google.com", "clients*.google.com", "clientservices.googleapis.com", "content-autofill.googleapis.com",
  "mtalk.google.com", "safebrowsing.googleapis.com", "update.googleapis.com", "www.google.com",
];

// One browser at a time: the machines that run this have two cores, and each
// test starts a server of its own. The times are for such a machine with other
// work to do; a test that passes never waits for them.
export default defineConfig({
  testDir: ".",
  globalSetup: "./global-setup.ts",
  testMatch: "*.spec.ts",
  workers: 1,
  // A machine that stood still for a while fails a test that is right. It is run
  // once more, with its trace, and listed as flaky: never silently.
  retries: 1,
  timeout: 240_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  outputDir: "../results",
  use: {
    locale: "ja-JP",
    timezoneId: "Asia/Tokyo",
    viewport: { width: 1366, height: 768 },
    actionTimeout: 30_000,
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.KAKOI_TEST_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        // What Chromium asks for by itself all the same. A closed run (scripts/closed.sh)
        // sees every other name, and what a page asks for the fixtures see.
        `--host-resolver-rules=${browsersOwn.map((name) => `MAP ${name} ~NOTFOUND`).join(", ")}`,
      ],
    },
  },
});
