import type { QueryClient } from "@tanstack/react-query";
import { type Message, type MessagePage, type MessagesData, messagesQuery, newestMessages } from "./api";

/** All loaded messages, oldest first. */
export function flatten(data: MessagesData | undefined): Message[] {
  return data ? [...data.pages].reverse().flatMap((page) => page.items) : [];
}

/** Puts messages into the loaded conversation: known ones in their place, new ones at the end. */
export function mergeMessages(data: MessagesData, messages: readonly Message[]): MessagesData {
  const known = new Set(data.pages.flatMap((page) => page.items.map((message) => message.id)));
  const given = new Map(messages.map((message) => [message.id, message]));
  const fresh = messages.filter((message) => !known.has(message.id));
  const pages = data.pages.map((page, i): MessagePage => {
    const changed = page.items.some((message) => given.has(message.id));
    if (!changed && !(i === 0 && fresh.length > 0)) return page;
    const items = page.items.map((message) => given.get(message.id) ?? message);
    return { ...page, items: i === 0 ? [...items, ...fresh] : items };
  });
  return { ...data, pages };
}

/** Puts messages into the cache; makes the conversation there if it is not loaded. */
export function putMessages(client: QueryClient, conversationId: string, messages: readonly Message[]): void {
  client.setQueryData<MessagesData>(messagesQuery(conversationId).queryKey, (data) => (data ? mergeMessages(data, messages) : data));
}

/** A conversation that has just begun: these are all its messages. */
export function seedMessages(client: QueryClient, conversationId: string, messages: Message[]): void {
  client.setQueryData<MessagesData>(messagesQuery(conversationId).queryKey, { pages: [{ items: messages }], pageParams: [""] });
}

const newest = 10;

/**
 * Brings a loaded conversation up to date with what the server has: the newest
 * messages only, or everything when they do not join on to what is loaded.
 */
export async function refreshMessages(client: QueryClient, conversationId: string): Promise<void> {
  const { queryKey } = messagesQuery(conversationId);
  if (!client.getQueryData(queryKey)) return;
  const page = await newestMessages(conversationId, newest);
  const loaded = flatten(client.getQueryData<MessagesData>(queryKey));
  const joins = !page.previousPageToken || page.items.some((message) => loaded.some((known) => known.id === message.id));
  if (joins) putMessages(client, conversationId, page.items);
  else await client.invalidateQueries({ queryKey });
}
