import { useQuery } from "@tanstack/react-query";
import { Share2, Users } from "lucide-react";
import { lazy, Suspense, useRef } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { Button } from "@/ui/button";
import { sharesQuery } from "./api";

const Dialog = lazy(async () => ({ default: (await import("./share-dialog")).ShareDialog }));

interface Props {
  conversation: { id: string; title: string };
  isOpen: boolean;
  onOpen: () => void;
  onClose: () => void;
}

/** Shares a conversation, and says in its bar that it is shared. */
export function ShareButton({ conversation, isOpen, onOpen, onClose }: Props) {
  const { t } = useTranslation("share");
  const shared = (useQuery(sharesQuery(conversation.id)).data?.items.length ?? 0) > 0;
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    onClose();
    // One dialog has taken the place of another, which knew where the focus came from.
    requestAnimationFrame(() => document.activeElement === document.body && button.current?.focus());
  };
  return (
    <>
      {/* One button in both states: it keeps the focus of who shares. */}
      <Button
        ref={button}
        icon={shared ? Users : Share2}
        size="dense"
        tone="quiet"
        aria-label={shared ? t("sharedNowShow") : t("share")}
        className={cx("flex-none", shared ? "text-accent" : "max-md:hidden!")}
        onPress={onOpen}
      >
        {/* On a phone the title needs the room. */}
        <span className="max-md:sr-only">{shared ? t("sharedNow") : t("share")}</span>
      </Button>
      <Suspense>{isOpen && <Dialog conversation={conversation} onClose={close} />}</Suspense>
    </>
  );
}
