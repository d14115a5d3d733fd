import { lazyRouteComponent } from "@tanstack/react-router";
import { lazy } from "react";

/*
 * The places that src/features/chat fills. Each is loaded when first shown; the
 * router waits for a page before it leaves the one before. Pages bring their own
 * bar (with SideButton from ui/side-context first in it) and fill the height
 * with a flex column.
 */
export const StartPage = lazyRouteComponent(() => import("@/features/chat/start-page"), "StartPage");
export const ConversationPage = lazyRouteComponent(() => import("@/features/chat/conversation-page"), "ConversationPage");

/** The side's list of conversations; onNavigate closes a drawer. */
export const History = lazy(async () => ({ default: (await import("@/features/chat/history")).History }));
