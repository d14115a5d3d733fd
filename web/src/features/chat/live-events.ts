import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { untilSignedIn } from "@/lib/api/client";
import { followEventStream } from "@/lib/stream";
import { conversationQuery, conversationsKey, eventsUrl, messagesQuery } from "./api";
import { refreshMessages } from "./message-cache";

/** What the server tells about this person's conversations. */
interface LiveEvent {
  type: string;
  id?: string;
}

const channelName = "kakoi.events";
const lockName = "kakoi.events";

/**
 * Keeps this page's conversations as the server has them. One tab of the browser
 * holds the connection and passes on what it hears: over plain HTTP a browser
 * opens six connections to a host, and every tab also wants one for its answer.
 */
function follow(client: QueryClient): () => void {
  const closing = new AbortController();
  const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel(channelName);
  const apply = (event: LiveEvent) => applyEvent(client, event);
  if (channel) channel.onmessage = (message: MessageEvent<LiveEvent>) => apply(message.data);

  const connect = async () => {
    let lost = false;
    const pass = (event: LiveEvent) => {
      apply(event);
      channel?.postMessage(event);
    };
    await followEventStream({
      url: eventsUrl,
      signal: closing.signal,
      whenSignedOut: untilSignedIn,
      onMessage: (data) => {
        const event = read(data);
        if (event) pass(event);
        return "go on";
      },
      onState: (state) => {
        // Whatever happened while nobody listened is in the lists themselves.
        if (state === "reconnecting" || state === "offline") lost = true;
        else if (state === "live" && lost) {
          lost = false;
          pass({ type: "missed" });
        }
      },
    });
  };
  const refused = () => undefined; // without its events a page is only less prompt

  if (channel && "locks" in navigator) {
    navigator.locks.request(lockName, { signal: closing.signal }, connect).catch(refused);
  } else void connect().catch(refused);

  return () => {
    closing.abort();
    channel?.close();
  };
}

function read(data: string): LiveEvent | undefined {
  try {
    const event: unknown = JSON.parse(data);
    return typeof event === "object" && event !== null && typeof (event as LiveEvent).type === "string" ? (event as LiveEvent) : undefined;
  } catch {
    return undefined;
  }
}

/** Brings what is loaded up to date with what an event says. */
export function applyEvent(client: QueryClient, event: LiveEvent): void {
  void client.invalidateQueries({ queryKey: conversationsKey });
  if (event.type === "missed") {
    void client.invalidateQueries({ queryKey: ["conversation"] });
    for (const query of client.getQueryCache().findAll({ queryKey: ["messages"], type: "active" })) {
      void refreshMessages(client, String(query.queryKey[1])).catch(() => undefined);
    }
    return;
  }
  if (!event.id) return;
  void client.invalidateQueries({ queryKey: conversationQuery(event.id).queryKey });
  const { queryKey } = messagesQuery(event.id);
  if (client.getQueryCache().find({ queryKey })?.isActive()) void refreshMessages(client, event.id).catch(() => undefined);
  else client.removeQueries({ queryKey, exact: true }); // read anew when it is opened again
}

const followers = new WeakMap<QueryClient, { readers: number; stop: () => void }>();

/** Follows the server's events while this component is shown; all of a page's components share one connection. */
export function useLiveEvents(): void {
  const client = useQueryClient();
  useEffect(() => {
    let shared = followers.get(client);
    if (!shared) followers.set(client, (shared = { readers: 0, stop: follow(client) }));
    shared.readers++;
    const current = shared;
    return () => {
      current.readers--;
      setTimeout(() => {
        if (current.readers > 0 || followers.get(client) !== current) return;
        followers.delete(client);
        current.stop();
      }, 0);
    };
  }, [client]);
}
