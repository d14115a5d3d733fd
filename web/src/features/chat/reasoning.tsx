import { ChevronRight, Hourglass } from "lucide-react";
import { useEffect, useId, useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { announce } from "@/lib/announce";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import type { LinePlace } from "@/lib/stream";
import { Icon } from "@/ui/icon";
import { Markdown } from "@/ui/markdown/markdown";

interface Props {
  text: string;
  /** The model is thinking just now. */
  thinking: boolean;
  since: string;
  /** How long it thought, once it is known. */
  durationMs?: number | undefined;
}

/** What a model thought before it answered: one line that opens. */
export function Reasoning({ text, thinking, since, durationMs }: Props) {
  const { t } = useTranslation("chat");
  const format = useFormats();
  const [open, setOpen] = useState(false);
  const elapsed = useElapsed(since, thinking);
  const id = useId();
  const line = thinking ? t("thinking", { time: format.duration(elapsed) }) : durationMs ? t("thought", { time: format.duration(Math.max(1000, durationMs)) }) : t("thoughtSome");
  return (
    <div>
      <AriaButton
        aria-expanded={open}
        aria-controls={id}
        onPress={() => setOpen(!open)}
        className="-ml-1.5 inline-flex min-h-9 items-center gap-1 rounded-6 pr-2 text-14 text-muted tabular-nums hover:text-default pointer-coarse:min-h-11"
      >
        <Icon of={ChevronRight} size={20} className={cx("transition-transform", open && "rotate-90")} />
        {line}
      </AriaButton>
      {open && (
        <div id={id} data-reasoning className="mb-3 border-l-3 border-rule pl-4 text-14 text-muted">
          <Markdown text={text} growing={thinking} />
        </div>
      )}
    </div>
  );
}

/** Until the first word: that something is happening, and for how long. */
export function Waiting({ since, line }: { since: string; line?: LinePlace | undefined }) {
  const { t } = useTranslation("chat");
  const format = useFormats();
  const elapsed = useElapsed(since, true);
  if (line) return <InLine {...line} />;
  return (
    <p className="flex min-h-9 animate-appear-late items-center text-14 text-muted tabular-nums">
      {elapsed < 2000 ? t("waiting") : t("waitingFor", { time: format.duration(elapsed) })}
    </p>
  );
}

/** That others are before it, and how many. Those who listen hear each change of the number, and not of the time. */
function InLine({ ahead, waitMs }: LinePlace) {
  const { t } = useTranslation("chat");
  const format = useFormats();
  const text = ahead > 0 ? t("lineAhead", { count: ahead }) : t("lineNext");
  useEffect(() => announce(text), [text]);
  return (
    <p data-line className="flex min-h-9 flex-wrap items-center gap-x-3 text-14 text-muted tabular-nums">
      <span className="inline-flex items-center gap-1.5">
        <Icon of={Hourglass} size={16} />
        {text}
      </span>
      {waitMs !== undefined && <span>{t("lineWait", { time: format.duration(waitMs) })}</span>}
    </p>
  );
}

/** Milliseconds since a moment, each second anew while `on`. The server's clock may be ahead of ours. */
function useElapsed(since: string, on: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  const [seen] = useState(() => Date.now());
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [on]);
  const start = Date.parse(since);
  return Math.max(0, now - (start <= seen ? start : seen));
}
