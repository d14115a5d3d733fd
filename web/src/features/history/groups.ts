import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { ConversationSummary } from "@/features/chat/api";
import { daysAgo, useFormats } from "@/lib/format";

export interface Group {
  key: string;
  title: string;
  items: ConversationSummary[];
}

/** The pinned ones, then today, yesterday, the last seven days, then month by month. */
export function useGroups(items: readonly ConversationSummary[] | undefined): Group[] {
  const { t } = useTranslation("history");
  const format = useFormats();
  return useMemo(() => {
    const now = new Date();
    const groups = new Map<string, Group>();
    const seen = new Set<string>();
    for (const item of items ?? []) {
      if (seen.has(item.id)) continue; // it moved between two pages while they were read
      seen.add(item.id);
      const date = new Date(item.updatedAt);
      const ago = daysAgo(date, now);
      const [key, title] = item.pinned
        ? ["pinned", t("pinned")]
        : ago <= 0
          ? ["today", t("today")]
          : ago === 1
            ? ["yesterday", t("yesterday")]
            : ago <= 7
              ? ["week", t("lastDays")]
              : [`${date.getFullYear()}-${date.getMonth()}`, format.month(date)];
      const group = groups.get(key) ?? { key, title, items: [] };
      groups.set(key, group);
      group.items.push(item);
    }
    return [...groups.values()];
  }, [items, t, format]);
}
