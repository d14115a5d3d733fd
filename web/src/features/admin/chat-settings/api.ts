import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { Schemas } from "@/lib/api/types";

/** What is decided for conversations, with who decided it. */
export type ChatSettings = Schemas["ChatSettings"];
export type ChatSettingsChange = Schemas["ChatSettingsChange"];

export const chatSettingsQuery = queryOptions({
  queryKey: ["admin", "settings", "chat"],
  queryFn: ({ signal }) => unwrap(api.GET("/admin/settings/chat", { signal })),
});

export const changeChatSettings = (body: ChatSettingsChange) => unwrap(api.PUT("/admin/settings/chat", { body }));
