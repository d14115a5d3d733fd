import { Check, Copy, Gauge } from "lucide-react";
import { type RefObject, useEffect, useState } from "react";
import { Dialog, DialogTrigger, Popover } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { announce } from "@/lib/announce";
import { useCommand } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import { cleanHtml, copyRich } from "@/lib/markdown";
import { Button } from "@/ui/button";
import { Detail, Details } from "@/ui/details";
import { toast } from "@/ui/toast";
import type { Message } from "./api";

interface Props {
  message: Message;
  text: string;
  body: RefObject<HTMLElement | null>;
  /** The last answer's acts are always seen; others on hover and focus. */
  always: boolean;
}

/** What can be done with an answer, under it. It takes its room from the start, so nothing moves. */
export function AnswerActs({ message, text, body, always }: Props) {
  const { t } = useTranslation("chat");
  const format = useFormats();
  if (text === "" && !message.usage) return null;
  return (
    <div role="group" aria-label={t("answerActs")} className={cx("mt-3 -ml-3 flex flex-wrap items-center gap-0.5 text-14 print:hidden", !always && "chat-acts")}>
      {text !== "" && <CopyAnswer text={text} body={body} always={always} />}
      {message.usage && <UsageButton message={message} />}
      {message.finishedAt && (
        <time dateTime={message.finishedAt} title={format.dateTime(message.finishedAt)} className="ml-auto text-muted tabular-nums">
          {format.time(message.finishedAt)}
        </time>
      )}
    </div>
  );
}

/** Copies the answer: as markdown, and formatted for a word processor. */
function CopyAnswer({ text, body, always }: Pick<Props, "text" | "body" | "always">) {
  const { t } = useTranslation("chat");
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async () => {
    if (await copyRich(text, body.current ? cleanHtml(body.current) : "")) {
      setDone(true);
      announce(t("copied"));
    } else toast({ tone: "danger", text: t("copyFailed") });
  };
  useCommand("copyAnswer", always ? () => void copy() : undefined);
  return (
    <Button tone="quiet" size="dense" icon={done ? Check : Copy} className="text-muted" aria-label={t("copyAnswer")} onPress={() => void copy()}>
      {done ? t("copied") : t("copy")}
    </Button>
  );
}

/** What the answer used and cost, on demand. */
function UsageButton({ message }: { message: Message }) {
  const { t } = useTranslation("chat");
  const format = useFormats();
  const { usage, cost } = message;
  if (!usage) return null;
  const tokens = (count: number) => t("tokens", { count, formatted: format.number(count) });
  const total = message.finishedAt ? Date.parse(message.finishedAt) - Date.parse(message.createdAt) : 0;
  return (
    <DialogTrigger>
      <Button tone="quiet" size="dense" icon={Gauge} className="text-muted">
        {t("usage")}
      </Button>
      <Popover placement="top start" offset={4} className="w-80 max-w-[calc(100vw-2rem)] rounded-8 border border-rule bg-surface-overlay shadow-overlay entering:animate-appear">
        <Dialog aria-label={t("usageTitle")} className="p-4 text-14 outline-none">
          <Details className="grid-cols-[8.5rem_minmax(0,1fr)] tabular-nums">
            {message.modelName && <Detail name={t("model")}>{message.modelName}</Detail>}
            <Detail name={t("inputTokens")}>{tokens(usage.inputTokens)}</Detail>
            {Boolean(usage.cacheReadTokens) && <Detail name={t("cacheReadTokens")}>{tokens(usage.cacheReadTokens ?? 0)}</Detail>}
            {Boolean(usage.cacheWriteTokens) && <Detail name={t("cacheWriteTokens")}>{tokens(usage.cacheWriteTokens ?? 0)}</Detail>}
            <Detail name={t("outputTokens")}>{tokens(usage.outputTokens)}</Detail>
            {Boolean(usage.reasoningTokens) && <Detail name={t("reasoningTokens")}>{tokens(usage.reasoningTokens ?? 0)}</Detail>}
            {cost && <Detail name={t("cost")}>{cost.currency === "JPY" || cost.currency === "USD" ? format.money(cost.amount, cost.currency) : `${cost.amount} ${cost.currency}`}</Detail>}
            {Boolean(message.firstTokenMs) && <Detail name={t("firstToken")}>{t("seconds", { value: ((message.firstTokenMs ?? 0) / 1000).toFixed(1) })}</Detail>}
            {total > 0 && <Detail name={t("totalTime")}>{format.duration(total)}</Detail>}
          </Details>
          {usage.estimated && <p className="mt-2 text-muted">{t("estimated")}</p>}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
