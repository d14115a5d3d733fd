import { lazyRouteComponent } from "@tanstack/react-router";
import { lazy } from "react";

/*
 * The places that src/features/chat fills, loaded when first shown. Its pages
 * bring their own bar (with SideButton of ui/side-context first in it) and
 * fill the height with a flex column.
 */
// The router loads these before it shows them: React holds back for 300 ms what follows a fallback.
export const StartPage = lazyRouteComponent(() => import("@/features/chat/start-page"), "StartPage");
export const ConversationPage = lazyRouteComponent(() => import("@/features/chat/conversation-page"), "ConversationPage");
export const TemporaryPage = lazyRouteComponent(() => import("@/features/chat/temporary-page"), "TemporaryPage");
/** The side's folders and conversations; onNavigate closes a drawer. */
export const History = lazy(async () => ({ default: (await import("@/features/history/side-history")).SideHistory }));
