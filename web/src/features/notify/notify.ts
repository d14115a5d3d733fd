import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { Schemas } from "@/lib/api/types";

type Message = Schemas["Message"];

/** An answer that took this long is worth a word when it is done. */
export const longAnswerMs = 10_000;
const storeKey = "kakoi.notify";

/** Tells of every answer that ends in the conversations this page has read, with the time it took. */
export function watchAnswers(client: QueryClient, onEnd: (tookMs: number) => void): () => void {
  const running = new Map<string, number>();
  return client.getQueryCache().subscribe((event) => {
    if (event.type !== "updated" || event.query.queryKey[0] !== "messages") return;
    const data = event.query.state.data as InfiniteData<{ items: Message[] }> | undefined;
    for (const message of data?.pages.flatMap((page) => page.items) ?? []) {
      if (message.role !== "assistant") continue;
      const since = running.get(message.id);
      if (message.status === "running") {
        if (since === undefined) running.set(message.id, Date.now());
      } else if (since !== undefined) {
        running.delete(message.id);
        // The server's clock says how long it took; ours where it does not.
        onEnd(message.finishedAt ? Date.parse(message.finishedAt) - Date.parse(message.createdAt) : Date.now() - since);
      }
    }
  });
}

const mark = "● ";

/** Marks the title of the window until somebody looks. */
export function markTitle(): void {
  if (!document.hidden) return;
  const title = document.querySelector("title");
  if (!title || document.title.startsWith(mark)) return;
  const put = () => {
    if (!document.title.startsWith(mark)) document.title = mark + document.title;
  };
  put();
  // The conversation may get its title just now.
  const observer = new MutationObserver(put);
  observer.observe(title, { childList: true, characterData: true, subtree: true });
  const onLook = () => {
    if (document.hidden) return;
    observer.disconnect();
    document.removeEventListener("visibilitychange", onLook);
    if (document.title.startsWith(mark)) document.title = document.title.slice(mark.length);
  };
  document.addEventListener("visibilitychange", onLook);
}

export type NoticeState = "on" | "off" | "denied" | "impossible";

/** Whether this browser tells of long answers: it must be able, allowed, and asked to. */
export function noticeState(): NoticeState {
  if (typeof Notification === "undefined" || !window.isSecureContext) return "impossible";
  if (Notification.permission === "denied") return "denied";
  try {
    return Notification.permission === "granted" && localStorage.getItem(storeKey) === "on" ? "on" : "off";
  } catch {
    return "off";
  }
}

/** Asks the browser where it has to, and keeps the choice. */
export async function setNotice(on: boolean): Promise<NoticeState> {
  if (on && noticeState() !== "impossible" && Notification.permission === "default") await Notification.requestPermission();
  try {
    if (on && noticeState() !== "denied") localStorage.setItem(storeKey, "on");
    else localStorage.removeItem(storeKey);
  } catch {
    // Full or forbidden: it stays off.
  }
  return noticeState();
}

/** Tells, outside the window, that an answer is done: never what it says, nor of which conversation. */
export function notify(words: string): void {
  if (noticeState() !== "on") return;
  try {
    const notice = new Notification("Kakoi", { body: words, tag: "kakoi-answer" });
    notice.onclick = () => {
      window.focus();
      notice.close();
    };
  } catch {
    // Some browsers allow them to service workers alone; the title is marked all the same.
  }
}
