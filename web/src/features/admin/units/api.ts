import { keepPreviousData, queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { Schemas } from "@/lib/api/types";
import { dayStart } from "@/lib/day";

export type Unit = Schemas["Unit"];

/** The units as they are on a day; without one, now. */
export const unitsQuery = (day?: string) =>
  queryOptions({
    queryKey: ["admin", "units", day ?? ""],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/units", { params: { query: { at: day && dayStart(day) } }, signal })),
    placeholderData: keepPreviousData, // the old tree stays while a day is chosen
  });

/** What units are to be, after a day. */
export const plannedQuery = (day?: string) =>
  queryOptions({
    queryKey: ["admin", "units", "planned", day ?? ""],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/units/planned", { params: { query: { at: day && dayStart(day) } }, signal })),
  });

/** What a unit was, is and is to be. */
export const periodsQuery = (id: string) =>
  queryOptions({
    queryKey: ["admin", "units", "periods", id],
    queryFn: ({ signal }) => unwrap(api.GET("/admin/units/{id}/periods", { params: { path: { id } }, signal })),
  });

export const addUnit = (body: Schemas["NewUnit"]) => unwrap(api.POST("/admin/units", { body }));
export const changeUnit = (id: string, body: Schemas["UnitChange"]) => unwrap(api.PATCH("/admin/units/{id}", { params: { path: { id } }, body }));
export const abolishUnit = (id: string, from?: string) => unwrap(api.DELETE("/admin/units/{id}", { params: { path: { id }, query: { from } } }));

/** Reads the units again, and the accounts, which stand in them. */
export const refreshUnits = (client: QueryClient) =>
  Promise.all([client.invalidateQueries({ queryKey: ["admin", "units"] }), client.invalidateQueries({ queryKey: ["admin", "accounts"] })]);
