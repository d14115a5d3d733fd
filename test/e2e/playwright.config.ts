import { defineConfig } from "@playwright/test";

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
        // What Chromium asks for by itself all the same. Every other name is a
        // page's doing, and a closed run (scripts/closed.sh) must see it.
        "--host-resolver-rules=MAP update.googleapis.com ~NOTFOUND, MAP content-autofill.googleapis.com ~NOTFOUND",
      ],
    },
  },
});
