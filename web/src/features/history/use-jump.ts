import { useQueryClient } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { conversationQuery, type Message, messagesQuery } from "@/features/chat/api";
import { announce } from "@/lib/announce";
import { api, unwrap } from "@/lib/api/client";
import { toast } from "@/ui/toast";
import "./jump.css";

interface Loaded {
  items: readonly Message[];
  hasOlder: boolean;
  loadingOlder: boolean;
  onOlder: () => void;
}

/**
 * Goes to the message that the address names (?message=): loads older ones until
 * it is there, opens its branch if it is on another, brings it into sight and
 * marks it. Messages carry their id as data-message.
 */
export function useJump(conversationId: string, { items, hasOlder, loadingOlder, onOlder }: Loaded): void {
  const { message: wanted } = useSearch({ strict: false });
  const { t } = useTranslation("history");
  const client = useQueryClient();
  const done = useRef<string>(undefined);
  const opened = useRef<string>(undefined);

  useEffect(() => {
    if (!wanted || done.current === wanted) return;
    if (items.some((message) => message.id === wanted)) {
      // After the page has gone to its end, as it does when it opens.
      const timer = setTimeout(() => {
        const place = document.querySelector<HTMLElement>(`[data-message="${CSS.escape(wanted)}"]`);
        if (!place) return;
        done.current = wanted;
        place.scrollIntoView({ block: "center", behavior: "instant" });
        place.dataset.found = "true";
        // What is drawn on the way changes the heights once.
        setTimeout(() => place.scrollIntoView({ block: "center", behavior: "instant" }), 150);
        setTimeout(() => delete place.dataset.found, 6000);
        announce(t("jumpMarked"));
      }, 200);
      return () => clearTimeout(timer);
    }
    if (loadingOlder) return;
    if (hasOlder) {
      onOlder();
      return;
    }
    if (items.length === 0 || opened.current === wanted) return;
    opened.current = wanted;
    unwrap(api.PUT("/conversations/{id}/branch", { params: { path: { id: conversationId } }, body: { messageId: wanted } })).then(
      () => {
        void client.invalidateQueries({ queryKey: conversationQuery(conversationId).queryKey });
        void client.resetQueries({ queryKey: messagesQuery(conversationId).queryKey });
      },
      () => {
        done.current = wanted;
        toast({ tone: "danger", text: t("jumpFailed") });
      },
    );
  }, [wanted, items, hasOlder, loadingOlder, onOlder, conversationId, client, t]);
}
