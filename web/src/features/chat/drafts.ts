import { useCallback, useSyncExternalStore } from "react";
import type { Attachment } from "./api";

/** What a person has written and not yet sent. */
export interface Draft {
  text: string;
  attachments: Attachment[];
  /** Set by a send whose fate is not known: sending the same again is the same send. */
  clientId?: string;
}

/** The draft of a conversation that has not begun. */
export const newConversation = "new";

/** The draft of a conversation that is not kept: nor is it, not even by the browser. */
export const temporaryConversation = "temporary";

const prefix = "kakoi.draft.";
const sendingSuffix = ".sending";
const keepDays = 60;
const keepCount = 200;
const empty: Draft = { text: "", attachments: [] };

interface Stored extends Draft {
  at: number;
}

/**
 * The drafts of one account, kept in the browser: they survive a reload, an
 * expired session, signing out, and a send that failed. Writing is put off for a
 * moment, because a draft may be long and every key would write it.
 */
export class DraftStore {
  private readonly cache = new Map<string, Draft>();
  private readonly unwritten = new Set<string>();
  private readonly sending = new Map<string, Draft>();
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly accountId: string;

  constructor(accountId: string) {
    this.accountId = accountId;
    window.addEventListener("pagehide", this.flush);
    document.addEventListener("visibilitychange", this.flush);
    this.prune();
  }

  get(conversationId: string): Draft {
    let draft = this.cache.get(conversationId);
    if (!draft) this.cache.set(conversationId, (draft = conversationId === temporaryConversation ? empty : this.read(conversationId)));
    return draft;
  }

  set(conversationId: string, draft: Draft): void {
    this.cache.set(conversationId, draft);
    if (conversationId !== temporaryConversation) {
      this.unwritten.add(conversationId);
      clearTimeout(this.timer);
      this.timer = setTimeout(this.flush, 300);
    }
    for (const listener of this.listeners) listener();
  }

  clear(conversationId: string): void {
    this.set(conversationId, empty);
  }

  /**
   * Takes the draft out for sending and leaves the field empty. It stays in the
   * browser until its fate is known. Undefined while another is on its way.
   */
  beginSend(conversationId: string): Required<Draft> | undefined {
    if (this.sending.has(conversationId)) return undefined;
    const draft = this.get(conversationId);
    const sent = { ...draft, clientId: draft.clientId ?? newClientId() };
    this.sending.set(conversationId, sent);
    if (conversationId !== temporaryConversation) this.write(this.key(conversationId) + sendingSuffix, sent);
    this.set(conversationId, empty);
    return sent;
  }

  /** It has arrived. */
  sent(conversationId: string): void {
    this.sending.delete(conversationId);
    this.write(this.key(conversationId) + sendingSuffix, empty);
  }

  /** It has not, or nobody knows: it returns to the field, before what was written since. */
  sendFailed(conversationId: string): void {
    const draft = this.sending.get(conversationId);
    this.sent(conversationId);
    if (draft) this.set(conversationId, join(draft, this.get(conversationId)));
    this.flush();
  }

  /** What was taken back returns to the field, before what was written since. */
  giveBack(conversationId: string, draft: Draft): void {
    this.set(conversationId, join(draft, this.get(conversationId)));
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Writes what has changed. */
  readonly flush = () => {
    clearTimeout(this.timer);
    for (const conversationId of this.unwritten) {
      this.write(this.key(conversationId), this.get(conversationId));
    }
    this.unwritten.clear();
  };

  private write(key: string, draft: Draft): void {
    try {
      if (draft.text === "" && draft.attachments.length === 0) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify({ ...draft, at: Date.now() } satisfies Stored));
    } catch {
      // Full or forbidden: the draft lives as long as the page.
    }
  }

  private key(conversationId: string): string {
    return `${prefix}${this.accountId}.${conversationId}`;
  }

  /** What was being written, with what was being sent when the page went away. */
  private read(conversationId: string): Draft {
    const key = this.key(conversationId);
    return join(this.load(key + sendingSuffix), this.load(key));
  }

  private load(key: string): Draft {
    try {
      const stored = JSON.parse(localStorage.getItem(key) ?? "null") as Partial<Stored> | null;
      if (typeof stored?.text !== "string") return empty;
      return {
        text: stored.text,
        attachments: Array.isArray(stored.attachments) ? stored.attachments : [],
        ...(typeof stored.clientId === "string" && { clientId: stored.clientId }),
      };
    } catch {
      return empty;
    }
  }

  /** Forgets drafts nobody came back to. */
  private prune(): void {
    try {
      const own = Object.keys(localStorage).filter((key) => key.startsWith(`${prefix}${this.accountId}.`));
      const dated = own.map((key) => ({ key, at: (JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<Stored>).at ?? 0 })).sort((a, b) => b.at - a.at);
      const oldest = Date.now() - keepDays * 86_400_000;
      for (const [i, { key, at }] of dated.entries()) if (i >= keepCount || at < oldest) localStorage.removeItem(key);
    } catch {
      // As above.
    }
  }
}

function join(first: Draft, second: Draft): Draft {
  if (isEmpty(second)) return first;
  if (isEmpty(first)) return second;
  // Together they are something new: no longer the send that failed.
  return { text: [first.text, second.text].filter((text) => text !== "").join("\n"), attachments: [...first.attachments, ...second.attachments] };
}

function isEmpty(draft: Draft): boolean {
  return draft.text === "" && draft.attachments.length === 0;
}

export function newClientId(): string {
  // randomUUID needs a secure context, which plain HTTP in an office is not.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const stores = new Map<string, DraftStore>();

/** The drafts of an account, one store per page. */
export function draftsOf(accountId: string): DraftStore {
  let store = stores.get(accountId);
  if (!store) stores.set(accountId, (store = new DraftStore(accountId)));
  return store;
}

/** One draft and the way to change it. */
export function useDraft(accountId: string, conversationId: string): [Draft, (change: (draft: Draft) => Draft) => void] {
  const store = draftsOf(accountId);
  const draft = useSyncExternalStore(
    store.subscribe,
    useCallback(() => store.get(conversationId), [store, conversationId]),
  );
  const change = useCallback((make: (draft: Draft) => Draft) => store.set(conversationId, make(store.get(conversationId))), [store, conversationId]);
  return [draft, change];
}
