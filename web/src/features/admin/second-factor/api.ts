import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { Schemas } from "@/lib/api/types";

/** What is decided of second factors, with who decided it. */
export type FactorSettings = Schemas["FactorSettings"];
export type Requirement = FactorSettings["others"];

export const factorSettingsQuery = queryOptions({
  queryKey: ["admin", "settings", "second-factor"],
  queryFn: ({ signal }) => unwrap(api.GET("/admin/settings/second-factor", { signal })),
});

export const changeFactorSettings = (body: Schemas["FactorSettingsChange"]) => unwrap(api.PUT("/admin/settings/second-factor", { body }));

/** The second factors of an account. */
export const accountFactorsQuery = (id: string) =>
  queryOptions({
    queryKey: ["admin", "accounts", id, "second-factors"],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/accounts/{id}/second-factors", { params: { path: { id } }, signal })),
  });

export const resetFactors = (id: string, reason: string) => unwrap(api.POST("/admin/accounts/{id}/second-factors/reset", { params: { path: { id } }, body: { reason } }));
