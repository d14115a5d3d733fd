import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { Schemas } from "@/lib/api/types";

export type EgressMonth = Schemas["EgressMonth"];

/** What left in a month, such as 2026-11; without one, in the present month. */
export const egressQuery = (month?: string) =>
  queryOptions({
    queryKey: ["admin", "egress", month ?? ""],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/egress", { params: { query: { month } }, signal })),
  });

/** Where the API has a month's report as a file. */
export function reportPath(month: string, format: "signed" | "html"): string {
  return `/admin/egress/report?${new URLSearchParams({ month, format })}`;
}

/** The months from first to last, the last first. At most ten years are offered. */
export function monthsBetween(first: string, last: string): string[] {
  const count = (month: string) => Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7)) - 1;
  const end = count(last);
  const length = Math.min(Math.max(end - count(first), 0), 119) + 1;
  return Array.from({ length }, (_, i) => {
    const n = end - i;
    return `${String(Math.floor(n / 12)).padStart(4, "0")}-${String((n % 12) + 1).padStart(2, "0")}`;
  });
}

/** The present month in Japan, whose months these are wherever the reader is. */
export function presentMonth(now = new Date()): string {
  return new Date(now.getTime() + 9 * 60 * 60 * 1000).toISOString().slice(0, 7);
}
