import type { ComponentType } from "react";
import { lazy } from "react";

/*
 * The places that src/features/chat fills. Each is loaded when first shown.
 *   start-page.tsx         StartPage         "/"
 *   conversation-page.tsx  ConversationPage  "/c/$conversationId"
 *   history.tsx            History           the side's list of conversations; onNavigate closes a drawer
 * Pages bring their own bar (with SideButton from ui/side-context first in it)
 * and fill the height with a flex column.
 */
const files = import.meta.glob<Record<string, ComponentType<HistoryProps>>>("../features/chat/{start-page,conversation-page,history}.tsx");

export interface HistoryProps {
  onNavigate?: () => void;
}

function slot(file: string, name: string) {
  const load = files[`../features/chat/${file}.tsx`];
  const Nothing: ComponentType<HistoryProps> = () => null;
  return lazy(async () => ({ default: (load ? (await load())[name] : undefined) ?? Nothing }));
}

export const StartPage = slot("start-page", "StartPage");
export const ConversationPage = slot("conversation-page", "ConversationPage");
export const History = slot("history", "History");
