import { useState } from "react";
import { isAbort, toApiError, type ApiError } from "@/lib/api/error";
import type { CheckStep } from "@/lib/api/types";

/** Runs a connection's self-test and holds what came of it. */
export function useCheck() {
  const [steps, setSteps] = useState<CheckStep[] | null>(null);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [pending, setPending] = useState(false);

  async function run(check: () => Promise<{ steps: CheckStep[] }>) {
    setPending(true);
    setSteps(null);
    setFailure(null);
    try {
      setSteps((await check()).steps);
    } catch (err) {
      if (!isAbort(err)) setFailure(toApiError(err));
    } finally {
      setPending(false);
    }
  }

  return { steps, failure, pending, run, clear: () => setSteps(null) };
}
