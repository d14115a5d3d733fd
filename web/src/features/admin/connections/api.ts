import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { ConnectionDraft } from "@/lib/api/types";

/** The connections to where models run. */
export const connectionsQuery = queryOptions({
  queryKey: ["admin", "connections"],
  queryFn: ({ signal }) => unwrap(api.GET("/admin/connections", { signal })),
});

/** Model servers found on this machine. */
export const detectedQuery = queryOptions({
  queryKey: ["admin", "connections", "detected"],
  queryFn: ({ signal }) => unwrap(api.GET("/admin/connections/detected", { signal })),
  staleTime: 0,
});

/** What a connection says it offers. */
export const remoteModelsQuery = (id: string) =>
  queryOptions({
    queryKey: ["admin", "connections", id, "remote-models"],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/connections/{id}/remote-models", { params: { path: { id } }, signal })),
    retry: false,
  });

/** The models that need a connection: its own, and those of others with a way over it. */
export const dependentsQuery = (id: string) =>
  queryOptions({
    queryKey: ["admin", "dependents", id],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/connections/{id}/dependents", { params: { path: { id } }, signal })),
    staleTime: 0,
  });

export const addConnection = (body: ConnectionDraft) => unwrap(api.POST("/admin/connections", { body }));
export const changeConnection = (id: string, body: Partial<ConnectionDraft>) => unwrap(api.PATCH("/admin/connections/{id}", { params: { path: { id } }, body }));
/** Removes a connection; with its models and the ways of others, if the person was told of them. */
export const deleteConnection = (id: string, withModels: boolean) => unwrap(api.DELETE("/admin/connections/{id}", { params: { path: { id }, query: { withModels } } }));
export const checkDraft = (body: ConnectionDraft) => unwrap(api.POST("/admin/connections/check", { body }));
/** Tries a stored connection, with changes that are not saved yet. */
export const checkConnection = (id: string, body: Partial<ConnectionDraft> = {}) => unwrap(api.POST("/admin/connections/{id}/check", { params: { path: { id } }, body }));

/** Reads again what a change of a connection may have changed. */
export async function refreshConnections(client: QueryClient) {
  await Promise.all([
    client.invalidateQueries({ queryKey: ["admin", "connections"] }),
    client.invalidateQueries({ queryKey: ["admin", "models"] }),
    client.invalidateQueries({ queryKey: ["models"] }),
  ]);
}
