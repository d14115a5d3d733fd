import { ArrowDown } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { Button } from "@/ui/button";
import "./chat.css";
import type { useFollowEnd } from "./follow-end";

const width = "mx-auto w-full max-w-[49.5rem] px-6";

/** The width in which a conversation is read. */
export const column = `${width} max-md:px-4`;

interface TalkFrameProps {
  follow: ReturnType<typeof useFollowEnd>;
  children: ReactNode;
  /** Where one goes on; without it there is only something to read. */
  foot?: ReactNode;
}

/** A conversation on its page: what was said scrolls, with a way back to its end. */
export function TalkFrame({ follow, children, foot }: TalkFrameProps) {
  const { t } = useTranslation("chat");
  const { scrollerRef, contentRef, away, toEnd } = follow;
  return (
    <>
      <div className="relative flex min-h-0 flex-1 flex-col">
        <div ref={scrollerRef} className="chat-scroll min-h-0 flex-1 overflow-y-auto [scrollbar-color:var(--border-strong)_transparent] [scrollbar-width:thin]">
          <div ref={contentRef} className={cx(column, !foot && "pb-6")}>
            {children}
          </div>
        </div>
        {away && (
          <div className="absolute bottom-3 left-1/2 -translate-x-1/2 print:hidden">
            <Button size="dense" icon={ArrowDown} className="border-strong! bg-surface-overlay! shadow-overlay" onPress={() => toEnd()}>
              {t("toEnd")}
            </Button>
          </div>
        )}
      </div>
      {foot && (
        <div className="chat-foot flex-none bg-surface pt-2 pb-3 max-md:pb-0 print:hidden">
          <div className={`${width} max-md:px-3`}>{foot}</div>
        </div>
      )}
    </>
  );
}
