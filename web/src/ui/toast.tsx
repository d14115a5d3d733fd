import { X } from "lucide-react";
import { UNSTABLE_Toast as AriaToast, UNSTABLE_ToastContent as ToastContent, UNSTABLE_ToastQueue as ToastQueue, UNSTABLE_ToastRegion as ToastRegion, Text } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { Button, IconButton } from "./button";
import { Icon } from "./icon";
import { CircleAlert, CircleCheck } from "lucide-react";

interface ToastContentProps {
  /** What changed: 「会話を削除しました」 */
  text: string;
  tone?: "success" | "danger";
  /** Takes the change back; offered for ten seconds. */
  undo?: () => void;
  /** Called when the chance to undo has gone. */
  onGone?: () => void;
}

const queue = new ToastQueue<ToastContentProps>({ maxVisibleToasts: 3 });

/**
 * Says that something was done, with a way back where there is one: at the foot
 * of the page, and under its head on a phone, whose foot is what one taps next.
 */
export function toast(content: ToastContentProps): () => void {
  // Said again, it takes the place of what it said before.
  for (const { key, content: said } of queue.visibleToasts) if (!said.undo && !content.undo && said.text === content.text) queue.close(key);
  const key = queue.add(content, { timeout: content.undo ? 10_000 : content.tone === "danger" ? undefined : 6_000, onClose: content.onGone });
  return () => queue.close(key);
}

/** Where toasts appear. Once, at the root. */
export function Toasts() {
  const { t } = useTranslation("ui");
  return (
    <ToastRegion
      queue={queue}
      aria-label={t("notifications")}
      className="fixed bottom-[var(--toast-bottom,1.5rem)] left-1/2 z-50 flex w-[min(32rem,calc(100vw-2rem))] -translate-x-1/2 flex-col-reverse gap-2 outline-none max-md:top-16 max-md:bottom-auto max-md:flex-col"
    >
      {({ toast: item }) => {
        const { text, tone = "success", undo } = item.content;
        return (
          <AriaToast toast={item} className="flex items-center gap-3 rounded-8 border border-strong bg-surface-overlay py-2 pr-2 pl-4 shadow-overlay entering:animate-appear">
            <Icon of={tone === "danger" ? CircleAlert : CircleCheck} className={cx(tone === "danger" ? "text-danger" : "text-success")} />
            <ToastContent className="min-w-0 flex-1">
              <Text slot="title" className="text-14">
                {text}
              </Text>
            </ToastContent>
            {undo && (
              <Button
                size="dense"
                onPress={() => {
                  undo();
                  queue.close(item.key);
                }}
              >
                {t("undo")}
              </Button>
            )}
            <IconButton icon={X} label={t("close")} size="dense" slot="close" />
          </AriaToast>
        );
      }}
    </ToastRegion>
  );
}
