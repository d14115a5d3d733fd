import { lazyRouteComponent } from "@tanstack/react-router";
import { lazy } from "react";

/*
 * The places that src/features/chat fills, loaded when first shown. Its pages
 * bring their own bar (with SideButton of ui/side-context first in it) and
 * fill the height with a flex column.
 */
// Not loaded by the router: it shows the page twice then after signing in, and
// what is typed at once goes to the first.
export const StartPage = lazy(async () => ({ default: (await import("@/features/chat/start-page")).StartPage }));
// The router loads these before it shows them: React holds back for 300 ms what follows a fallback.
export const ConversationPage = lazyRouteComponent(() => import("@/features/chat/conversation-page"), "ConversationPage");
export const TemporaryPage = lazyRouteComponent(() => import("@/features/chat/temporary-page"), "TemporaryPage");
/** The side's folders and conversations; onNavigate closes a drawer. */
export const History = lazy(async () => ({ default: (await import("@/features/history/side-history")).SideHistory }));
