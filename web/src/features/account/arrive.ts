import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { useCallback } from "react";
import { stepOf } from "@/features/security/api";
import type { Me } from "@/lib/api/types";
import { applyPreferences, meQuery } from "./api";

/** Takes somebody who has just signed in on: to the next step, or to where they wanted to go. */
export function useArrive(from?: string) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const router = useRouter();
  return useCallback(
    (me: Me) => {
      client.clear();
      client.setQueryData(meQuery.queryKey, me);
      applyPreferences(me.preferences);
      const step = stepOf(me);
      if (step) void navigate({ to: step, search: from ? { from } : {}, replace: true });
      else if (from) router.history.replace(from);
      else void navigate({ to: "/", replace: true });
    },
    [client, navigate, router, from],
  );
}
