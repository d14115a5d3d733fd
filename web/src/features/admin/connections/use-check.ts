import { useState } from "react";
import { isAbort, toApiError, type ApiError } from "@/lib/api/error";
import type { CheckStep, Decision } from "@/lib/api/types";

/** Runs a connection's self-test and holds what came of it. */
export function useCheck() {
  const [steps, setSteps] = useState<CheckStep[] | null>(null);
  /** Where what was tried is, and whether that is permitted; undefined where it does not tell. */
  const [residency, setResidency] = useState<Decision>();
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [pending, setPending] = useState(false);

  async function run(check: () => Promise<{ steps: CheckStep[]; residency?: Decision | undefined }>) {
    setPending(true);
    setSteps(null);
    setFailure(null);
    try {
      const result = await check();
      setSteps(result.steps);
      setResidency(result.residency);
    } catch (err) {
      if (!isAbort(err)) setFailure(toApiError(err));
    } finally {
      setPending(false);
    }
  }

  return { steps, residency, failure, pending, run, clear: () => setSteps(null) };
}
