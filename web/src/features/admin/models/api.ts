import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { CatalogueModel, CatalogueModelDraft, List } from "@/lib/api/types";

/** Every model of every connection, in the order people see them. */
export const catalogueQuery = queryOptions({
  queryKey: ["admin", "models"],
  queryFn: ({ signal }) => unwrap<List<CatalogueModel>>(api.GET("/admin/models", { signal })),
});

export const addModel = (body: CatalogueModelDraft) => unwrap<CatalogueModel>(api.POST("/admin/models", { body }));
export const changeModel = (id: string, body: Partial<CatalogueModelDraft>) => unwrap<CatalogueModel>(api.PATCH("/admin/models/{id}", { params: { path: { id } }, body }));
export const deleteModel = (id: string) => unwrap<unknown>(api.DELETE("/admin/models/{id}", { params: { path: { id } } }));
export const orderModels = (ids: string[]) => unwrap<unknown>(api.PUT("/admin/models/order", { body: { ids } }));

/** Reads the catalogue again, here and as people see it. */
export async function refreshModels(client: QueryClient) {
  await Promise.all([client.invalidateQueries({ queryKey: ["admin", "models"] }), client.invalidateQueries({ queryKey: ["models"] })]);
}
