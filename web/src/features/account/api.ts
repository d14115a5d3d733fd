import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { applyDensity, applyEra, applyTheme } from "@/lib/appearance";
import { api, unwrap } from "@/lib/api/client";
import { ApiError } from "@/lib/api/error";
import type { Me, Permission, Preferences, Schemas } from "@/lib/api/types";
import { changeLocale } from "@/lib/i18n";

/** Who is signed in; null when nobody is. */
export const meQuery = queryOptions<Me | null>({
  queryKey: ["me"],
  queryFn: async ({ signal }) => {
    try {
      return await unwrap(api.GET("/me", { signal }));
    } catch (err) {
      if (err instanceof ApiError && err.code === "unauthenticated") return null;
      throw err;
    }
  },
  staleTime: 60_000,
});

/** Whether the first administrator is still to be made, and whether this link would be accepted. */
export const setupQuery = (token = "") =>
  queryOptions({
    queryKey: ["setup", token],
    queryFn: ({ signal }) => unwrap(api.GET("/setup", { ...(token && { params: { header: { "X-Kakoi-Setup-Token": token } } }), signal })),
  });

/** Where this person is signed in. */
export const sessionsQuery = queryOptions({
  queryKey: ["me", "sessions"],
  queryFn: ({ signal }) => unwrap(api.GET("/me/sessions", { signal })),
});

/** The models this person may use, in the administrator's order. */
export const modelsQuery = queryOptions({
  queryKey: ["models"],
  queryFn: ({ signal }) => unwrap(api.GET("/models", { signal })),
  staleTime: 60_000,
});

/** How much one may send, and whether conversations are kept. */
export const limitsQuery = queryOptions({
  queryKey: ["limits"],
  queryFn: ({ signal }) => unwrap(api.GET("/limits", { signal })),
  staleTime: 60_000,
});

export const setUp = (body: Schemas["Setup"]) => unwrap(api.POST("/setup", { body }));
export const signIn = (body: { email: string; password: string }) => unwrap(api.POST("/sign-in", { body }));
export const signOut = () => unwrap(api.POST("/sign-out", {}));
export const changePassword = (body: { current: string; new: string }) => unwrap(api.POST("/me/password", { body }));
export const rename = (name: string) => unwrap(api.PATCH("/me", { body: { name } }));
export const revokeSession = (id: string) => unwrap(api.DELETE("/me/sessions/{id}", { params: { path: { id } } }));
export const signOutEverywhere = () => unwrap(api.POST("/me/sign-out-everywhere", {}));

/** The signed-in person. Only inside the frame, where there is one. */
export function useMe(): Me {
  const { data } = useQuery(meQuery);
  if (!data) throw new Error("useMe outside the frame");
  return data;
}

/** Whether the roles of this person permit something, be it for one unit only. */
export const may = (account: Me["account"], permission: Permission) => account.permissions.includes(permission);
/** The same, for whoever is signed in; while that is not known, nothing is held back. */
export function useMay(permission: Permission): boolean {
  const { data } = useQuery({ ...meQuery, enabled: false });
  return data ? may(data.account, permission) : true;
}
/** Whether there is anything for this person in the administration. */
export const administers = (account: Me["account"]) => account.permissions.length > 0;

/** Shows on this browser what the person chose. */
export function applyPreferences(preferences: Preferences) {
  applyTheme(preferences.theme);
  applyDensity(preferences.density);
  applyEra(preferences.calendar === "japanese");
  if (preferences.locale) void changeLocale(preferences.locale);
}

/** Changes preferences: seen at once, taken back if the server refuses. */
export function useUpdatePreferences() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (patch: Partial<Preferences>) => unwrap(api.PATCH("/me/preferences", { body: patch })),
    onMutate: async (patch) => {
      await client.cancelQueries({ queryKey: meQuery.queryKey, exact: true });
      const before = client.getQueryData(meQuery.queryKey);
      if (before) {
        const next: Me = { ...before, preferences: { ...before.preferences, ...patch } };
        client.setQueryData(meQuery.queryKey, next);
        applyPreferences(next.preferences);
      }
      return before;
    },
    onError: (_err, _patch, before) => {
      if (before) {
        client.setQueryData(meQuery.queryKey, before);
        applyPreferences(before.preferences);
      }
    },
    onSettled: (_data, _err, patch) => {
      void client.invalidateQueries({ queryKey: meQuery.queryKey, exact: true });
      if (patch.defaultModelId !== undefined) void client.invalidateQueries({ queryKey: modelsQuery.queryKey });
    },
  });
}
