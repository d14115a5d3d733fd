import { FastForward, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useErrorTextOf } from "@/lib/error-text";
import { Button } from "@/ui/button";
import { RequestId } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import type { Message } from "./api";
import { useReading } from "./reading";

/** What can be done about an answer that did not come to its end. */
export interface Resume {
  /** Absent where nothing goes on from what was said. */
  onContinue?: (messageId: string) => void;
  onRetry: (messageId: string) => void;
  pending: boolean;
}

interface Props {
  message: Pick<Message, "id" | "runId" | "status" | "stopReason" | "error">;
  resume: Resume | undefined;
  hasWords: boolean;
}

/** Failures whose words ask for the number by which the log knows the run. */
const asksForId: ReadonlySet<string> = new Set(["model_failed", "internal", "unknown"]);

/** Why an answer ends where it does, unless it is simply finished, and what to do. */
export function AnswerEnd({ message, resume, hasWords }: Props) {
  const { t } = useTranslation("chat");
  const errorText = useErrorTextOf();
  const { onlyReading } = useReading();
  const { onContinue } = resume ?? {};
  const goOn = onContinue && hasWords && (
    <Button size="dense" icon={FastForward} onPress={() => onContinue(message.id)} isPending={resume?.pending} pendingLabel={t("resuming")}>
      {t("continue")}
    </Button>
  );
  const again = resume && (
    <Button size="dense" icon={RotateCw} onPress={() => resume.onRetry(message.id)} isPending={resume.pending} pendingLabel={t("resuming")}>
      {t("tryAgain")}
    </Button>
  );

  switch (message.status) {
    case "failed": {
      const code = message.error?.code ?? "model_failed";
      const id = !onlyReading && asksForId.has(code) && message.runId;
      const text = errorText({ code, params: message.error?.params ?? {}, detail: message.error?.detail ?? "" });
      return (
        <Notice
          tone="danger"
          title={text.what}
          className="mt-4"
          actions={
            (resume || id) && (
              <>
                {goOn}
                {again}
                {id && <RequestId id={id} />}
              </>
            )
          }
        >
          {!onlyReading && text.todo}
        </Notice>
      );
    }
    case "interrupted":
      return (
        <Notice tone="warning" title={t("interrupted")} className="mt-4" actions={goOn || again}>
          {!onlyReading && t(hasWords ? "interruptedKept" : "interruptedEmpty")}
        </Notice>
      );
    case "stopped":
      return <Line text={hasWords ? t("stopped") : t("stoppedEmpty")} action={goOn || again} />;
    case "complete":
      if (message.stopReason === "length") return <Line text={t("cutByLength")} action={goOn} />;
      if (message.stopReason === "filtered") return <Line text={t("cutByFilter")} />;
      return null;
    case "running":
      return null;
  }
}

function Line({ text, action }: { text: string; action?: ReactNode }) {
  return (
    <div className="mt-4 flex flex-wrap items-center gap-x-4 gap-y-2 border-t border-rule pt-3 text-14 text-muted">
      <p>{text}</p>
      {action}
    </div>
  );
}
