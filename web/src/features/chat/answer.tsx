import { Info } from "lucide-react";
import { memo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import type { LinePlace, RunLink } from "@/lib/stream";
import { Icon } from "@/ui/icon";
import { Markdown } from "@/ui/markdown/markdown";
import { AnswerActs } from "./answer-acts";
import { AnswerEnd, type Resume } from "./answer-end";
import type { Message, Part, TextPart } from "./api";
import { EditBox } from "./edit-box";
import { useMessageActs } from "./message-acts";
import { useReading } from "./reading";
import { Reasoning, Waiting } from "./reasoning";
import { mergeParts, useRun } from "./run-hub";

interface Props {
  conversationId: string;
  message: Message;
  isLast: boolean;
  /** Goes on with or tries again the last answer; absent where that is not possible. */
  resume: Resume | undefined;
  /** Which model answered, where it is another than before. */
  by?: string | undefined;
  /** It stands beside answers of other models, of which one is to be chosen. */
  beside?: boolean;
  /** Where in line it stands, of an answer that has no stream of its own. */
  line?: LinePlace | undefined;
}

/** What a model said: a document on the plain page. */
export const Answer = memo(function Answer({ conversationId, message, isLast, resume, by, beside = false, line }: Props) {
  const { t } = useTranslation("chat");
  const run = useRun(conversationId, message);
  const body = useRef<HTMLDivElement>(null);
  const acts = useMessageActs();
  const { onlyReading } = useReading();
  const [editing, setEditing] = useState(false);
  const running = message.status === "running" && !run?.done;
  const parts = run ? mergeParts(message.parts, run) : message.parts;
  const sections = sectionsOf(parts);
  const last = sections.length - 1;
  const text = sections.map((section) => (section.type === "text" ? section.text : "")).filter((words) => words !== "").join("\n\n");

  if (editing && acts) {
    return (
      <article aria-label={t("answer")} aria-busy={false} className="pb-turn">
        <EditBox text={text} label={t("editField")} saveLabel={t("editSave")} hint={t("editHint")} onSave={(words) => acts.edit(message, words)} onClose={() => setEditing(false)} />
      </article>
    );
  }
  return (
    <article aria-label={t("answer")} aria-busy={running} data-answer={message.id} className={cx("group", beside ? "pb-3" : "pb-turn")}>
      <h2 className="sr-only">{t("answer")}</h2>
      {by && <p className="mb-2 text-14 text-muted">{by}</p>}
      <ContextLine context={message.context} />
      {sections.map((section, i) =>
        section.type === "reasoning" ? (
          <Reasoning key={i} text={section.text} thinking={running && i === last} since={message.createdAt} durationMs={message.reasoningMs ?? run?.metadata.reasoningMs} />
        ) : (
          <div key={i} ref={i === last ? body : undefined}>
            <Markdown text={section.text} growing={running && i === last} />
          </div>
        ),
      )}
      {running && last < 0 && <Waiting since={message.createdAt} line={run?.line ?? line} />}
      {running && run && <LinkLine link={run.link} />}
      {!running && (
        <>
          {last < 0 && message.status === "complete" && <p className="text-muted">{t(onlyReading ? "emptyAnswerRead" : "emptyAnswer")}</p>}
          <AnswerEnd message={run?.done ? { ...message, ...run.metadata, status: run.metadata.status ?? "complete" } : message} resume={isLast ? resume : undefined} hasWords={text !== ""} />
          <AnswerActs message={message} text={text} body={body} always={isLast} onEdit={beside ? undefined : () => setEditing(true)} beside={beside} />
        </>
      )}
    </article>
  );
});

/** What of the conversation the model was not given word for word. */
function ContextLine({ context }: { context: Message["context"] }) {
  const { t } = useTranslation("chat");
  if (!context || (context.omitted === 0 && !context.summarised)) return null;
  return (
    <p className="mb-2 flex items-start gap-1.5 text-14 text-muted">
      <Icon of={Info} size={16} className="mt-0.5" />
      {context.summarised ? t("contextSummarised") : t("contextOmitted", { count: context.omitted })}
    </p>
  );
}

/** Parts that follow each other and are of one kind, as one. Files are not answered with yet. */
export function sectionsOf(parts: readonly Part[]): TextPart[] {
  const sections: TextPart[] = [];
  for (const part of parts) {
    if ((part.type !== "text" && part.type !== "reasoning") || part.text === "") continue;
    const before = sections[sections.length - 1];
    if (before?.type === part.type) before.text += `\n\n${part.text}`;
    else sections.push({ ...part });
  }
  return sections;
}

/** How the connection stands, where it is not simply there. Nothing is lost meanwhile. */
function LinkLine({ link }: { link: RunLink }) {
  const { t } = useTranslation("chat");
  const text = link === "reconnecting" ? t("reconnecting") : link === "offline" ? t("offline") : link === "refused" ? t("streamRefused") : "";
  if (text === "") return null;
  return (
    <p role="status" className="mt-2 text-14 text-warning">
      {text}
    </p>
  );
}
