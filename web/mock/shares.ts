import type { Message } from "../src/features/chat/api";
import type { ListedShare, NewShare, ShareChange, Sharing } from "../src/features/share/api";
import { accounts, groups } from "./data";
import { assistant, notice, user } from "./chat-samples";

// What is shared in the stand-in: by the person who is signed in, and by others with them.

/** A share with what it shows now, which JSON leaves out. */
interface Shown extends ListedShare {
  messages: () => Message[];
}

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const never = "0001-01-01T00:00:00Z";
const staff = accounts(15).map(({ id, name }) => ({ id, name, groups: ["環境課"] }));

export function mockShares(messagesOf: (conversationId: string) => Message[]) {
  let count = 0;
  const all = new Map<string, Shown>();
  const put = (share: Pick<Shown, "title" | "messages"> & Partial<Shown>): Shown => {
    const made = { id: `sh-${++count}`, ownerName: "小宮 拓真", mine: false, live: false, everyone: false, withSystemPrompt: true, viewers: 0, withCount: 0, createdAt: ago(0), updatedAt: ago(0), ...share };
    all.set(made.id, made);
    return made;
  };
  /** Whom it is for, as its owner reads it. */
  const chosen = ({ accountIds = [], groupIds = [] }: Pick<NewShare, "accountIds" | "groupIds">) => {
    const people = staff.filter(({ id }) => accountIds.includes(id));
    const departments = groups.filter(({ id }) => groupIds.includes(id)).map(({ id, name }) => ({ id, name }));
    const names = [...departments, ...people].map(({ name }) => name);
    return { with: { people, groups: departments }, withCount: names.length, withNames: names.slice(0, 3) };
  };

  put({
    ...chosen({ groupIds: ["g-kankyo"], accountIds: ["a-4", "a-5"] }), title: "粗大ごみ手数料改定のお知らせ", mine: true, live: true, conversationId: "t-0", messages: () => messagesOf("t-0"),
    createdAt: ago(60), viewers: 2, views: [{ accountId: "a-4", name: "佐伯 由美子", count: 3, firstAt: ago(50), lastAt: ago(4) }, { accountId: "a-5", name: "高橋 恵", count: 1, firstAt: ago(30), lastAt: ago(30) }],
  });
  put({ ...chosen({}), title: "集積所の管理は誰が行うか", mine: true, everyone: true, conversationId: "t-1", expiresAt: ago(-60 * 24 * 7), messages: () => messagesOf("t-1").slice(0, 1) });
  put({ title: "窓口の案内文", ownerName: "高橋 恵", seenAt: ago(90), createdAt: ago(1500), messages: () => [user("案内文を作ってください", 1600), assistant(notice, 1599)] });
  put({ title: "令和8年度12月議会における一般廃棄物処理基本計画の見直しに関する答弁の下書き", ownerName: "勅使河原 エリザベス 美津子", live: true, everyone: true, createdAt: ago(20), messages: () => [user("答弁の下書きを", 30), assistant("", 29, { status: "failed", error: { code: "model_throttled" } })] });

  return {
    isShared: (conversationId: string) => [...all.values()].some((share) => share.conversationId === conversationId),
    of: (conversationId: string): Sharing[] => [...all.values()].filter((share) => share.conversationId === conversationId),
    create: (conversation: { id: string; title: string }, { live = false, everyone = false, withSystemPrompt = false, expiresAt, ...whom }: NewShare): Sharing => {
      const now = messagesOf(conversation.id);
      return put({ ...chosen(whom), title: conversation.title, mine: true, live, everyone, withSystemPrompt, conversationId: conversation.id, messages: () => (live ? messagesOf(conversation.id) : now), ...(expiresAt && { expiresAt }) });
    },
    /** People and groups to share with. */
    people: (search: string) => ({ people: staff.filter(({ name }) => name.includes(search)), groups: groups.filter(({ name }) => name.includes(search)).map(({ id, name }) => ({ id, name })) }),
    list: (scope: string | null): ListedShare[] => [...all.values()].filter(({ mine }) => mine === (scope === "mine")).reverse(),
    one: (id: string) => all.get(id),
    change: (share: Shown, { accountIds, groupIds, expiresAt, ...change }: ShareChange) => {
      Object.assign(share, change, chosen({ ...(accountIds && { accountIds }), ...(groupIds && { groupIds }) }), { updatedAt: ago(0) });
      if (expiresAt === never) delete share.expiresAt;
      else if (expiresAt) share.expiresAt = expiresAt;
      return share;
    },
    revoke: (id: string) => all.delete(id),
  };
}
