import { Check, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useModelHint } from "@/features/account/model-text";
import type { Model } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { Button, IconButton } from "@/ui/button";
import { CheckboxGroup } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { Answer } from "./answer";
import type { Resume } from "./answer-end";
import type { Message } from "./api";
import { useMessageActs } from "./message-acts";

interface DialogProps {
  models: readonly Model[];
  /** The models that are chosen, or the one that answers now. */
  chosen: readonly string[];
  onChoose: (modelIds: string[]) => void;
  onClose: () => void;
}

const most = 3;

/** Which two or three models answer the next turn side by side. */
export function CompareDialog({ models, chosen, onChoose, onClose }: DialogProps) {
  const { t } = useTranslation("chat");
  const { t: ui } = useTranslation("ui");
  const hint = useModelHint();
  const [picked, setPicked] = useState<string[]>([...chosen]);
  const right = picked.length >= 2 && picked.length <= most;
  return (
    <Dialog
      title={t("compareTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button
            tone="primary"
            disabledReason={!right && t("compareCount")}
            onPress={() => {
              onChoose(picked);
              onClose();
            }}
          >
            {t("compareStart")}
          </Button>
        </>
      }
    >
      <CheckboxGroup label={t("compareHint")} value={picked} onChange={setPicked} options={models.map((model) => ({ value: model.id, label: model.displayName, hint: hint(model) }))} />
    </Dialog>
  );
}

/** Above the field: the next turn goes to these models. */
export function CompareLine({ models, chosen, onStop }: { models: readonly Model[]; chosen: readonly string[]; onStop: () => void }) {
  const { t } = useTranslation("chat");
  if (chosen.length === 0) return null;
  const names = chosen.map((id) => models.find((model) => model.id === id)?.displayName ?? t("modelGone")).join(t("listComma"));
  return (
    <div role="status" className="flex items-center gap-2 rounded-8 bg-surface-raised py-0.5 pr-0.5 pl-4 text-14">
      <span className="min-w-0 flex-1">{t("comparing", { names })}</span>
      <IconButton icon={X} iconSize={16} size="dense" label={t("compareStop")} onPress={onStop} />
    </div>
  );
}

interface ComparedProps {
  conversationId: string;
  answers: readonly Message[];
  resume: Resume | undefined;
  onChosen: (answer: Message) => void;
}

/** Answers of several models to one question, side by side until one is chosen. */
export function Compared({ conversationId, answers, resume, onChosen }: ComparedProps) {
  const { t } = useTranslation("chat");
  const acts = useMessageActs();
  const [choosing, setChoosing] = useState<string>();
  const choose = async (answer: Message) => {
    setChoosing(answer.id);
    if (await acts?.open(answer.id)) onChosen(answer);
    setChoosing(undefined);
  };
  return (
    <section aria-label={t("compared")} className="chat-compared pb-6">
      <p className="pb-3 text-14 text-muted">{t("comparedHint")}</p>
      <div className={cx("grid gap-4", answers.length > 2 ? "lg:grid-cols-3" : "md:grid-cols-2")}>
        {answers.map((answer) => (
          <div key={answer.id} className="flex min-w-0 flex-col rounded-12 border border-rule px-4 pt-3 pb-4">
            <h2 className="pb-2 text-14 text-muted">{answer.modelName}</h2>
            <div className="min-w-0 flex-1">
              <Answer conversationId={conversationId} message={answer} isLast resume={resume} beside />
            </div>
            <Button
              size="dense"
              icon={Check}
              aria-label={t("chooseNamed", { name: answer.modelName ?? "" })}
              disabledReason={answer.status === "running" && t("busy")}
              isPending={choosing === answer.id}
              onPress={() => void choose(answer)}
            >
              {t("chooseAnswer")}
            </Button>
          </div>
        ))}
      </div>
    </section>
  );
}
