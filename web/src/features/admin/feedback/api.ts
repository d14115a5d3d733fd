import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { paths } from "@/lib/api/schema";
import type { Schemas } from "@/lib/api/types";

export type FeedbackEntry = Schemas["FeedbackEntry"];
type Query = NonNullable<paths["/admin/feedback"]["get"]["parameters"]["query"]>;
export type Reason = NonNullable<Query["reason"]>;

export const reasons: readonly Reason[] = ["accurate", "helpful", "well_written", "inaccurate", "outdated", "incomplete", "ignored_instructions", "unclear", "harmful", "refused", "other"];
export const periods = ["7", "30", "90", "365"] as const;

/** What narrows the list; it stands in the address. */
export interface FeedbackFilter {
  q?: string;
  rating?: "good" | "bad";
  reason?: Reason;
  model?: string;
  /** The last so many days, today included. */
  days?: (typeof periods)[number];
}

/** The filter as the server takes it. */
export function feedbackParams({ q, rating, reason, model, days }: FeedbackFilter, now = new Date()): Query {
  const from = days && new Date(now.getFullYear(), now.getMonth(), now.getDate() - Number(days) + 1);
  return { text: q, rating, reason, modelId: model, from: from ? from.toISOString() : undefined };
}

/** What people thought of answers, newest first, fifty at a time. */
export const feedbackQuery = (filter: FeedbackFilter) =>
  infiniteQueryOptions({
    queryKey: ["admin", "feedback", filter],
    queryFn: ({ signal, pageParam }) => unwrap(api.GET("/admin/feedback", { params: { query: { ...feedbackParams(filter), limit: 50, pageToken: pageParam || undefined } }, signal })),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: (before) => before, // the old rows stay while a filter is typed
  });

/** The address of all that matches, as a file. */
export function exportUrl(filter: FeedbackFilter, format: "csv" | "jsonl"): string {
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(feedbackParams(filter))) if (value) query.set(name, String(value));
  return `/api/v1/admin/feedback/export?${query}`;
}
