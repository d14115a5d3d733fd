import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { ResidencyRule, Schemas } from "@/lib/api/types";

/** A policy as it is written: open, or its rules. */
export interface Draft {
  open: boolean;
  rules: ResidencyRule[];
}

/** Where what people write may be processed, and what is known of regions. */
export const residencyQuery = queryOptions({
  queryKey: ["admin", "residency"],
  queryFn: ({ signal }) => unwrap(api.GET("/admin/residency", { signal })),
});

/** What a policy would mean for each model, if it held. */
export const previewQuery = (draft: Draft) =>
  queryOptions({
    queryKey: ["admin", "residency", "preview", draft],
    queryFn: ({ signal }) => unwrap(api.POST("/admin/residency/preview", { body: draft, signal })),
    staleTime: 0,
  });

/** The inference profiles that are known from a region. */
export const profilesQuery = (region: string) =>
  queryOptions({
    queryKey: ["admin", "residency", "profiles", region],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/residency/profiles", { params: { query: { region } }, signal })),
    retry: false,
  });

export const preview = (body: Draft) => unwrap(api.POST("/admin/residency/preview", { body }));
export const decide = (body: Schemas["ResidencyChange"]) => unwrap(api.PUT("/admin/residency", { body }));
export const explain = (body: Schemas["ExplainInput"]) => unwrap(api.POST("/admin/residency/explain", { body }));

/** Reads again what another policy changes: what may be used, here and as people see it. */
export async function refreshResidency(client: QueryClient) {
  await Promise.all([
    client.invalidateQueries({ queryKey: ["admin", "residency", "preview"] }),
    client.invalidateQueries({ queryKey: ["admin", "models"] }),
    client.invalidateQueries({ queryKey: ["models"] }),
  ]);
}
