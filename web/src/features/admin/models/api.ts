import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { ModelChange, ModelDraft } from "@/lib/api/types";

/** Every model of every connection, in the order people see them. */
export const catalogueQuery = queryOptions({
  queryKey: ["admin", "models"],
  queryFn: ({ signal }) => unwrap(api.GET("/admin/models", { signal })),
});

export const addModel = (body: ModelDraft) => unwrap(api.POST("/admin/models", { body }));
export const changeModel = (id: string, body: ModelChange) => unwrap(api.PATCH("/admin/models/{id}", { params: { path: { id } }, body }));
export const deleteModel = (id: string) => unwrap(api.DELETE("/admin/models/{id}", { params: { path: { id } } }));
export const orderModels = (ids: string[]) => unwrap(api.PUT("/admin/models/order", { body: { ids } }));

/** Reads the catalogue again, here and as people see it. */
export async function refreshModels(client: QueryClient) {
  await Promise.all([client.invalidateQueries({ queryKey: ["admin", "models"] }), client.invalidateQueries({ queryKey: ["models"] })]);
}
