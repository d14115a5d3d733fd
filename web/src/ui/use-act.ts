import { useCallback } from "react";
import { isAbort, toApiError } from "@/lib/api/error";
import { useErrorTextOf } from "@/lib/error-text";
import { toast } from "./toast";

/** Runs a small act that has no place of its own for a failure; the failure becomes a toast. */
export function useAct(): (act: () => Promise<unknown>) => Promise<boolean> {
  const words = useErrorTextOf();
  return useCallback(
    async (act) => {
      try {
        await act();
        return true;
      } catch (err) {
        if (!isAbort(err)) {
          toast({ tone: "danger", text: words(toApiError(err)).said });
        }
        return false;
      }
    },
    [words],
  );
}
