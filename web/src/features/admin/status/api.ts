import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";

/** How the system is doing, read again every ten seconds while it is looked at. */
export const statusQuery = queryOptions({
  queryKey: ["admin", "status"],
  queryFn: ({ signal }) => unwrap(api.GET("/admin/status", { signal })),
  refetchInterval: 10_000,
});
