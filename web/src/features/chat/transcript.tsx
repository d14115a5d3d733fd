import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { LinePlace } from "@/lib/stream";
import { ErrorNotice } from "@/ui/error-notice";
import { Bar, Skeleton } from "@/ui/skeleton";
import { Answer } from "./answer";
import { answeredBy } from "./answered-by";
import type { Resume } from "./answer-end";
import type { Message } from "./api";
import { partOf } from "./attachable";
import { Compared } from "./compare";
import { PersonMessage } from "./person-message";
import { Waiting } from "./reasoning";
import type { PendingTurn } from "./turns";

interface Props {
  conversationId: string;
  messages: readonly Message[];
  /** The answers that stand side by side in the place of the last message. */
  compared?: readonly Message[];
  onChosen?: (answer: Message) => void;
  pending?: PendingTurn | undefined;
  /** Where in line the last answer stands, where it has no stream of its own. */
  line?: LinePlace | undefined;
  /** Absent where nothing can be gone on with or tried again. */
  resume?: Resume;
  /** The element that scrolls. */
  scroller: HTMLElement | null;
  hasOlder?: boolean;
  loadingOlder?: boolean;
  /** Why older messages could not be read; they are asked for again only by hand. */
  olderError?: unknown;
  onOlder?: () => void;
}

const none: readonly Message[] = [];
const nothing = () => undefined;

/** As many messages at the end are always drawn. */
const near = 6;

/** What was said, oldest first; older messages come as the reader goes up. */
export const Transcript = memo(function Transcript({ conversationId, messages, compared = none, onChosen = nothing, pending, line, resume, scroller, hasOlder = false, loadingOlder = false, olderError = null, onOlder = nothing }: Props) {
  const { t } = useTranslation("chat");
  const last = messages.length - 1;
  const olderFailed = olderError !== null && !loadingOlder;
  const top = useOlder(scroller, hasOlder && !loadingOlder && !olderFailed, onOlder);
  useKeepPlace(scroller, messages[0]?.id);
  const by = useMemo(() => answeredBy(messages), [messages]);
  return (
    <>
      {hasOlder && (
        <div ref={top} className="py-4">
          {olderFailed ? (
            <ErrorNotice error={olderError} onRetry={onOlder} />
          ) : (
            <Skeleton label={t("loadingOlder")}>
              <MessageBars />
            </Skeleton>
          )}
        </div>
      )}
      {messages.map((message, i) =>
        compared.length > 1 && i === last ? (
          <Compared key="compared" conversationId={conversationId} answers={compared} resume={pending ? undefined : resume} onChosen={onChosen} />
        ) : (
          // What is far from the end is drawn only where it is looked at. The
          // versions of a message take each other's place, and keep the focus.
          <div key={message.parentId ?? "first"} data-message={message.id} className={i < last - near ? "chat-far" : undefined}>
            {message.role === "user" ? (
              <PersonMessage parts={message.parts} message={message} />
            ) : (
              <Answer conversationId={conversationId} message={message} isLast={i === last && !pending} resume={i === last && !pending ? resume : undefined} by={by.get(message.id)} line={i === last ? line : undefined} />
            )}
          </div>
        ),
      )}
      {pending && <PendingMessages turn={pending} />}
    </>
  );
});

/** A question on its way, and the answer that is not there yet. */
export function PendingMessages({ turn }: { turn: PendingTurn }) {
  const [since] = useState(() => new Date().toISOString());
  return (
    <>
      <PersonMessage
        parts={[{ type: "text", text: turn.text }, ...turn.attachments.map(partOf)]}
      />
      <div className="pb-turn">
        <Waiting since={since} />
      </div>
    </>
  );
}

/** The shape of a conversation to come. */
export function MessageBars() {
  return (
    <div aria-hidden="true" className="grid gap-3">
      <Bar className="ml-auto h-14 w-3/5 rounded-12" />
      <Bar className="mt-4 w-full" />
      <Bar className="w-11/12" />
      <Bar className="w-2/3" />
    </div>
  );
}

/** Asks for older messages when the top of what is loaded comes near. */
function useOlder(scroller: HTMLElement | null, ready: boolean, onOlder: () => void) {
  const [top, setTop] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (!top || !scroller || !ready) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && onOlder(), { root: scroller, rootMargin: "600px 0px 0px" });
    observer.observe(top);
    return () => observer.disconnect();
  }, [top, scroller, ready, onOlder]);
  return setTop;
}

/** Keeps the words under the reader's eyes where they are when older ones are put before them. */
function useKeepPlace(scroller: HTMLElement | null, firstId: string | undefined) {
  const before = useRef({ firstId, fromEnd: 0 });
  useLayoutEffect(() => {
    if (!scroller) return;
    const note = () => {
      before.current.fromEnd = scroller.scrollHeight - scroller.scrollTop;
    };
    scroller.addEventListener("scroll", note, { passive: true });
    return () => scroller.removeEventListener("scroll", note);
  }, [scroller]);
  useLayoutEffect(() => {
    const { firstId: known, fromEnd } = before.current;
    before.current.firstId = firstId;
    if (scroller && known !== undefined && known !== firstId && fromEnd > 0) scroller.scrollTo({ top: scroller.scrollHeight - fromEnd, behavior: "instant" });
  }, [scroller, firstId]);
}
