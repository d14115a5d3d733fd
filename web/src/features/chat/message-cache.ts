import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { type Message, type MessagePage, type MessagesData, type Started, conversationQuery, messagesQuery, newestMessages } from "./api";

/** What of a page of messages its place among the others depends on. */
type Stretch = Pick<MessagePage, "items" | "previousPageToken">;

/** All loaded messages of the open branch, oldest first. */
export function flatten(data: InfiniteData<Stretch, unknown> | undefined): Message[] {
  return data ? [...data.pages].reverse().flatMap((page) => page.items) : [];
}

/** The answers that stand side by side at the end of the open branch. */
export function comparedOf(data: MessagesData | undefined): readonly Message[] {
  return data?.pages[0]?.compared ?? none;
}

const none: readonly Message[] = [];

/** Puts messages in the place of what is known of them. Others are left out. */
export function replaceMessages(data: MessagesData, messages: readonly Message[]): MessagesData {
  const given = new Map(messages.map((message) => [message.id, message]));
  const replace = (items: Message[]) => (items.some((message) => given.has(message.id)) ? items.map((message) => given.get(message.id) ?? message) : items);
  const pages = data.pages.map((page): MessagePage => {
    const items = replace(page.items);
    const compared = page.compared && replace(page.compared);
    return items === page.items && compared === page.compared ? page : { ...page, items, ...(compared && { compared }) };
  });
  return { ...data, pages };
}

/**
 * Puts the end of a branch on the message it follows: what stood after that one
 * is of another branch now. Undefined when the message is not loaded.
 */
export function graft<P extends Stretch>(data: InfiniteData<P, unknown>, end: P): InfiniteData<P, unknown> | undefined {
  const [first] = end.items;
  if (!first || !end.previousPageToken && !first.parentId) return { pages: [end], pageParams: [""] };
  const at = data.pages.findIndex((page) => page.items.some((message) => message.id === first.id || message.id === first.parentId));
  const page = data.pages[at];
  if (!page) {
    // What is loaded may begin in the middle of what is given.
    const oldest = flatten(data)[0];
    return oldest && end.items.some((message) => message.id === oldest.id) ? { pages: [end], pageParams: [""] } : undefined;
  }
  const same = page.items.findIndex((message) => message.id === first.id);
  const kept = same >= 0 ? same : page.items.findIndex((message) => message.id === first.parentId) + 1;
  const newest: P = { ...end, items: [...page.items.slice(0, kept), ...end.items], previousPageToken: page.previousPageToken };
  return { pages: [newest, ...data.pages.slice(at + 1)], pageParams: ["", ...data.pageParams.slice(at + 1)] };
}

/** Puts messages into the cache, in their places. */
export function putMessages(client: QueryClient, conversationId: string, messages: readonly Message[]): void {
  client.setQueryData<MessagesData>(messagesQuery(conversationId).queryKey, (data) => (data ? replaceMessages(data, messages) : data));
}

/** A conversation that has just begun: these are all its messages. */
export function seedMessages(client: QueryClient, started: Started): void {
  client.setQueryData<MessagesData>(messagesQuery(started.conversation.id).queryKey, { pages: [endOf(started)], pageParams: [""] });
}

function endOf({ conversation, userMessage, answers }: Started): MessagePage {
  const leaf = answers.find((answer) => answer.id === conversation.leafId) ?? answers[0];
  return {
    items: [...(userMessage ? [userMessage] : []), ...(leaf ? [leaf] : [])],
    leafId: conversation.leafId,
    ...(conversation.comparing && answers.length > 1 && { compared: answers }),
  };
}

/** What has begun: the conversation as it now stands, its question, and the answers to come. */
export function putStarted(client: QueryClient, started: Started): void {
  const { conversation, answers } = started;
  client.setQueryData(conversationQuery(conversation.id).queryKey, conversation);
  const { queryKey } = messagesQuery(conversation.id);
  const data = client.getQueryData<MessagesData>(queryKey);
  if (!data || answers.length === 0) return;
  const compared = comparedOf(data);
  let next: MessagesData | undefined;
  if (answers.every((answer) => compared.some((other) => other.id === answer.id))) next = replaceMessages(data, answers); // one of those side by side goes on
  else if (answers.some((answer) => answer.id === conversation.leafId)) next = graft(data, endOf(started));
  if (next) client.setQueryData<MessagesData>(queryKey, next);
  else void refreshMessages(client, conversation.id).catch(() => undefined);
}

const newest = 10;

/**
 * Brings a loaded conversation up to date with what the server has: the end of
 * its open branch only, or everything when that does not join on to what is loaded.
 */
export async function refreshMessages(client: QueryClient, conversationId: string): Promise<void> {
  const { queryKey } = messagesQuery(conversationId);
  for (let tries = 0; tries < 3; tries++) {
    const before = client.getQueryData<MessagesData>(queryKey);
    if (!before) return;
    const page = await newestMessages(conversationId, newest);
    const data = client.getQueryData<MessagesData>(queryKey);
    if (!data) return;
    // Something was begun here meanwhile, of which this page does not know.
    if (data.pages[0]?.leafId !== before.pages[0]?.leafId && data.pages[0]?.leafId !== page.leafId) continue;
    const next = graft(data, page);
    if (next) client.setQueryData<MessagesData>(queryKey, next);
    else await client.invalidateQueries({ queryKey });
    return;
  }
}
