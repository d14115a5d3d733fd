import { useRouterState } from "@tanstack/react-router";
import { X } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, type ReactNode, useCallback, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMediaQuery } from "@/lib/use-media-query";
import { IconButton } from "@/ui/button";
import { Drawer } from "@/ui/drawer";
import { type Beside, BesideContext } from "@/ui/markdown/beside";
import { BesideBody, useBesideTitle } from "./beside-body";

const storeKey = "kakoi.beside";
const least = 320;
const step = 32;

function storedWidth(): number {
  try {
    return Number(localStorage.getItem(storeKey)) || 480;
  } catch {
    return 480;
  }
}

/** The page, and beside it the block of an answer that was opened; over it on a phone. */
export function SideView({ children }: { children: ReactNode }) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [shown, setShown] = useState<{ block: Beside; path: string; times: number }>();
  const from = useRef<Element>(null);
  const open = useCallback(
    (block: Beside) => {
      from.current = document.activeElement;
      setShown((old) => ({ block, path, times: (old?.times ?? 0) + 1 }));
    },
    [path],
  );
  const close = useCallback(() => {
    setShown(undefined);
    const back = from.current;
    if (back instanceof HTMLElement && back.isConnected) requestAnimationFrame(() => back.focus());
  }, []);
  // What was opened belongs to its page.
  const current = shown?.path === path ? shown : undefined;
  return (
    <BesideContext value={open}>
      <div className="flex min-h-0 flex-1">
        <div className="relative flex min-h-0 min-w-0 flex-1 flex-col">{children}</div>
        {current && <Panel key={current.times} block={current.block} onClose={close} />}
      </div>
    </BesideContext>
  );
}

function Panel({ block, onClose }: { block: Beside; onClose: () => void }) {
  const title = useBesideTitle(block);
  const room = useMediaQuery("(min-width: 64rem)");
  if (!room) {
    return (
      <Drawer side="right" label={title} isOpen onClose={onClose}>
        <Inside block={block} title={title} onClose={onClose} />
      </Drawer>
    );
  }
  return (
    <Resizable title={title} onClose={onClose}>
      <Inside block={block} title={title} onClose={onClose} />
    </Resizable>
  );
}

function Inside({ block, title, onClose }: { block: Beside; title: string; onClose: () => void }) {
  const { t } = useTranslation("ui");
  return (
    <>
      <div className="flex min-h-14 flex-none items-center justify-between gap-3 border-b border-rule py-1 pr-2 pl-4">
        <h2 className="min-w-0 truncate text-16">{title}</h2>
        <IconButton icon={X} label={t("closeNamed", { name: title })} size="dense" onPress={onClose} autoFocus />
      </div>
      <BesideBody block={block} />
    </>
  );
}

/** The column itself, as wide as the person wants it. */
function Resizable({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const { t } = useTranslation("markdown");
  const id = useId();
  const [wanted, setWanted] = useState(storedWidth);
  const [view, setView] = useState(window.innerWidth);
  const holder = useRef<HTMLElement>(null);
  useEffect(() => {
    const follow = () => setView(window.innerWidth);
    window.addEventListener("resize", follow);
    return () => window.removeEventListener("resize", follow);
  }, []);
  const most = Math.max(least, Math.round(view * 0.55));
  const width = Math.min(Math.max(wanted, least), most);
  const resize = (next: number) => {
    const clamped = Math.min(Math.max(Math.round(next), least), most);
    setWanted(clamped);
    try {
      localStorage.setItem(storeKey, String(clamped));
    } catch {
      // Full or forbidden: the width lives as long as the page.
    }
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft") resize(width + step);
    else if (event.key === "ArrowRight") resize(width - step);
    else if (event.key === "Home") resize(most);
    else if (event.key === "End") resize(least);
    else return;
    event.preventDefault();
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    resize((holder.current?.getBoundingClientRect().right ?? view) - event.clientX);
  };

  return (
    // Escape closes it from anywhere inside.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <aside
      ref={holder}
      id={id}
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key === "Escape" && !event.defaultPrevented && !event.nativeEvent.isComposing) onClose();
      }}
      className="relative flex min-h-0 flex-none flex-col border-l border-rule bg-surface print:hidden"
      style={{ width }}
    >
      {/* A separator that can be moved is a control, whatever the linter thinks of its role. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        role="separator"
        aria-orientation="vertical"
        aria-label={t("besideSize")}
        aria-controls={id}
        aria-valuenow={width}
        aria-valuemin={least}
        aria-valuemax={most}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          event.preventDefault();
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={onPointerMove}
        className="absolute inset-y-0 -left-1 z-10 w-2 cursor-col-resize touch-none hover:bg-surface-selected"
      />
      {children}
    </aside>
  );
}
