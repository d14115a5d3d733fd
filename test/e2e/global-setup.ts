import { execFileSync } from "node:child_process";
import { resolve } from "node:path";

/** Builds the fake model servers, which are tests' alone and not in the program. */
export default function globalSetup(): void {
  const root = resolve(import.meta.dirname, "../..");
  execFileSync("go", ["build", "-o", "bin/fakemodels", "./test/fakemodels"], { cwd: root, stdio: "inherit" });
}
