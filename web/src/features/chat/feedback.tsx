import { ThumbsDown, ThumbsUp } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/button";
import { Checkbox, CheckboxGroup } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { TextArea } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import type { Message, Opinion } from "./api";
import { type MessageActs, useMessageActs } from "./message-acts";

type Rating = Opinion["rating"];
type Reason = NonNullable<Opinion["reasons"]>[number];

const reasonsOf: Record<Rating, readonly Reason[]> = {
  good: ["accurate", "helpful", "well_written", "other"],
  bad: ["inaccurate", "outdated", "incomplete", "ignored_instructions", "unclear", "harmful", "refused", "other"],
};

/** Good or bad: counted at once; the reasons may follow. */
export function FeedbackButtons({ message }: { message: Message }) {
  const { t } = useTranslation("chat");
  const acts = useMessageActs();
  const [open, setOpen] = useState(false);
  if (!acts) return null;
  const given = message.feedback?.rating;
  const press = async (rating: Rating) => {
    if (given === rating || (await acts.rate(message, { rating }))) setOpen(true);
  };
  return (
    <>
      {(["good", "bad"] as const).map((rating) => (
        <IconButton
          key={rating}
          icon={rating === "good" ? ThumbsUp : ThumbsDown}
          iconSize={16}
          size="dense"
          label={t(rating)}
          aria-pressed={given === rating}
          className={given === rating ? "text-accent! [&_svg]:fill-current" : "text-muted"}
          onPress={() => void press(rating)}
        />
      ))}
      {open && message.feedback && <FeedbackDialog message={message} opinion={message.feedback} acts={acts} onClose={() => setOpen(false)} />}
    </>
  );
}

interface DialogProps {
  message: Message;
  opinion: Opinion;
  acts: MessageActs;
  onClose: () => void;
}

function FeedbackDialog({ message, opinion, acts, onClose }: DialogProps) {
  const { t } = useTranslation("chat");
  const { t: ui } = useTranslation("ui");
  const [reasons, setReasons] = useState<string[]>(opinion.reasons ?? []);
  const [comment, setComment] = useState(opinion.comment ?? "");
  const [share, setShare] = useState(opinion.shareContent ?? false);
  const give = async (next: Opinion | undefined, said: string) => {
    if (!(await acts.rate(message, next))) return;
    toast({ text: said });
    onClose();
  };
  return (
    <Dialog
      title={opinion.rating === "good" ? t("feedbackGood") : t("feedbackBad")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button tone="danger-quiet" className="mr-auto max-md:basis-full" onPress={() => void give(undefined, t("feedbackWithdrawn"))}>
            {t("feedbackWithdraw")}
          </Button>
          <Button onPress={onClose}>{ui("close")}</Button>
          <Button tone="primary" onPress={() => void give({ rating: opinion.rating, reasons: reasons as Reason[], comment: comment.trim(), shareContent: share }, t("feedbackSent"))}>
            {t("feedbackSend")}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <p className="text-14 text-muted">{t("feedbackHint")}</p>
        <CheckboxGroup label={t("feedbackReasons")} value={reasons} onChange={setReasons} options={reasonsOf[opinion.rating].map((value) => ({ value, label: t(`reason.${value}`) }))} />
        <TextArea label={t("feedbackComment")} value={comment} onChange={setComment} maxLength={2000} />
        <Checkbox isSelected={share} onChange={setShare} hint={t("feedbackShareHint")}>
          {t("feedbackShare")}
        </Checkbox>
      </div>
    </Dialog>
  );
}
