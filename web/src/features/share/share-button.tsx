import { useQuery } from "@tanstack/react-query";
import { Share2, Users } from "lucide-react";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/button";
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
  return (
    <>
      {shared ? (
        <Button icon={Users} size="dense" tone="quiet" aria-label={t("sharedNowShow")} className="flex-none text-accent" onPress={onOpen}>
          {t("sharedNow")}
        </Button>
      ) : (
        <IconButton icon={Share2} size="dense" label={t("share")} className="max-md:hidden" onPress={onOpen} />
      )}
      <Suspense>{isOpen && <Dialog conversation={conversation} onClose={onClose} />}</Suspense>
    </>
  );
}
