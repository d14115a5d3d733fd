import { useRouterState } from "@tanstack/react-router";
import { WifiOff } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Notices } from "@/features/notify/notices";
import { DueNotice } from "@/features/security/due-notice";
import { Shortcuts } from "@/features/shortcuts/shortcuts";
import { useMediaQuery } from "@/lib/use-media-query";
import { useOnline } from "@/lib/use-online";
import { Drawer } from "@/ui/drawer";
import { Icon } from "@/ui/icon";
import { SideContext } from "@/ui/side-context";
import { Palette } from "./palette";
import { SignInAgain } from "./sign-in-again";

interface Props {
  /** Names the side for those who do not see it. */
  label: string;
  /** The side at full width. close is given where it is a drawer. */
  side: (close?: () => void) => ReactNode;
  /** The side as icons; none: it stays a drawer below the wide screen. */
  rail?: (open: () => void) => ReactNode;
  folded?: boolean;
  children: ReactNode;
}

/** The frame: the side (full, icons or drawer, by the room there is), the page, and what lies over both. */
export function Shell({ label, side, rail, folded = false, children }: Props) {
  const { t } = useTranslation("frame");
  const wide = useMediaQuery("(min-width: 68.8125rem)");
  const phone = useMediaQuery("(max-width: 47.99rem)");
  const online = useOnline();
  const path = useRouterState({ select: (state) => state.location.pathname });
  // A drawer belongs to the page it was opened on: going elsewhere closes it.
  const [drawerOn, setDrawerOn] = useState<string | null>(null);
  const open = () => setDrawerOn(path);
  const close = () => setDrawerOn(null);
  // After going to another page, reading goes on at its beginning, unless the page chose a place itself.
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
  }, [path]);

  const asRail = !phone && (!wide || folded) && rail;
  const asSide = !phone && !asRail;

  return (
    <SideContext value={phone ? open : null}>
      <a href="#main" className="absolute -top-20 left-4 z-50 rounded-6 bg-surface-overlay px-4 py-2 text-accent underline shadow-overlay focus:top-2">
        {t("skip")}
      </a>
      <div className="flex h-dvh min-w-0">
        {asSide && (
          <nav aria-label={label} className="flex min-h-0 w-side flex-none flex-col border-r border-rule bg-surface-side">
            {side()}
          </nav>
        )}
        {asRail && (
          <nav aria-label={label} className="flex min-h-0 w-rail flex-none flex-col items-center gap-1 border-r border-rule bg-surface-side py-2">
            {asRail(open)}
          </nav>
        )}
        <main ref={main} id="main" tabIndex={-1} className="relative flex min-h-0 min-w-0 flex-1 flex-col outline-none">
          {!online && (
            <p role="status" className="flex flex-none items-center gap-2 border-b border-warning bg-warning-soft px-6 py-2 text-14 max-md:px-4">
              <Icon of={WifiOff} size={16} className="text-warning" />
              {t("offline")}
            </p>
          )}
          <DueNotice />
          {children}
        </main>
      </div>
      <Drawer side="left" label={label} isOpen={drawerOn === path && !asSide} onClose={close}>
        <nav aria-label={label} className="flex min-h-0 flex-1 flex-col">
          {side(close)}
        </nav>
      </Drawer>
      <Palette />
      <Shortcuts />
      <Notices />
      <SignInAgain />
    </SideContext>
  );
}
