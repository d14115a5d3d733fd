import { lazy } from "react";

/*
 * The places that src/features/chat fills, loaded when first shown. Its pages
 * bring their own bar (with SideButton of ui/side-context first in it) and
 * fill the height with a flex column.
 */
export const StartPage = lazy(async () => ({ default: (await import("@/features/chat/start-page")).StartPage }));
export const ConversationPage = lazy(async () => ({ default: (await import("@/features/chat/conversation-page")).ConversationPage }));
export const TemporaryPage = lazy(async () => ({ default: (await import("@/features/chat/temporary-page")).TemporaryPage }));
/** The side's folders and conversations; onNavigate closes a drawer. */
export const History = lazy(async () => ({ default: (await import("@/features/history/side-history")).SideHistory }));
