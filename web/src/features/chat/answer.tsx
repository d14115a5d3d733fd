import { memo, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { RunLink } from "@/lib/stream";
import { Markdown } from "@/ui/markdown/markdown";
import { AnswerActs } from "./answer-acts";
import { AnswerEnd, type Resume } from "./answer-end";
import type { Message, Part, TextPart } from "./api";
import { Reasoning, Waiting } from "./reasoning";
import { mergeParts, useRun } from "./run-hub";

interface Props {
  conversationId: string;
  message: Message;
  isLast: boolean;
  /** Goes on with or tries again the last answer; absent where that is not possible. */
  resume: Resume | undefined;
}

/** What a model said: a document on the plain page. */
export const Answer = memo(function Answer({ conversationId, message, isLast, resume }: Props) {
  const { t } = useTranslation("chat");
  const run = useRun(conversationId, message);
  const body = useRef<HTMLDivElement>(null);
  const running = message.status === "running" && !run?.done;
  const parts = run ? mergeParts(message.parts, run) : message.parts;
  const sections = sectionsOf(parts);
  const last = sections.length - 1;
  const text = sections.map((section) => (section.type === "text" ? section.text : "")).filter((words) => words !== "").join("\n\n");

  return (
    <article aria-label={t("answer")} aria-busy={running} className="group pb-8">
      <h2 className="sr-only">{t("answer")}</h2>
      {sections.map((section, i) =>
        section.type === "reasoning" ? (
          <Reasoning key={i} text={section.text} thinking={running && i === last} since={message.createdAt} durationMs={message.reasoningMs ?? run?.metadata.reasoningMs} />
        ) : (
          <div key={i} ref={i === last ? body : undefined}>
            <Markdown text={section.text} growing={running && i === last} />
          </div>
        ),
      )}
      {running && last < 0 && <Waiting since={message.createdAt} />}
      {running && run && <LinkLine link={run.link} />}
      {!running && (
        <>
          {last < 0 && message.status === "complete" && <p className="text-muted">{t("emptyAnswer")}</p>}
          <AnswerEnd message={run?.done ? { ...message, ...run.metadata, status: run.metadata.status ?? "complete" } : message} resume={isLast ? resume : undefined} hasWords={text !== ""} />
          <AnswerActs message={message} text={text} body={body} always={isLast} />
        </>
      )}
    </article>
  );
});

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
