import { Check, Copy, Ellipsis, Gauge, Pencil, RotateCw, Sheet } from "lucide-react";
import { type RefObject, useEffect, useState } from "react";
import { Dialog, DialogTrigger, Popover } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { announce } from "@/lib/announce";
import { isAbort } from "@/lib/api/error";
import { useCommand } from "@/lib/commands";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import { cleanHtml, copyRich } from "@/lib/markdown";
import { Button, IconButton } from "@/ui/button";
import { Detail, Details } from "@/ui/details";
import { Menu, MenuItem, MenuRule, MenuSection } from "@/ui/menu";
import { toast } from "@/ui/toast";
import { type Message, saveTables } from "./api";
import { FeedbackButtons } from "./feedback";
import { type MessageActs, SiblingSwitcher, forkItems, useBusy, useMessageActs } from "./message-acts";

interface Props {
  message: Message;
  text: string;
  body: RefObject<HTMLElement | null>;
  /** The last answer's acts are always seen; others on hover and focus. */
  always: boolean;
  /** Opens its words to be written otherwise. */
  onEdit?: (() => void) | undefined;
  /** It stands beside others, of which one is to be chosen first. */
  beside?: boolean;
}

/** What can be done with an answer, under it. It takes its room from the start, so nothing moves. */
export function AnswerActs({ message, text, body, always, onEdit, beside = false }: Props) {
  const { t } = useTranslation("chat");
  const format = useFormats();
  const acts = useMessageActs();
  if (text === "" && !message.usage && (!acts || beside)) return null;
  const several = (message.siblingIds?.length ?? 0) > 1;
  return (
    <div role="group" aria-label={t("answerActs")} className={cx("mt-3 -ml-3 flex flex-wrap items-center gap-0.5 text-14 print:hidden", !always && !several && "chat-acts")}>
      {!beside && <SiblingSwitcher message={message} />}
      {text !== "" && <CopyAnswer text={text} body={body} always={always} />}
      {text !== "" && <FeedbackButtons message={message} />}
      {acts && !beside && <Again acts={acts} message={message} />}
      {message.usage && <UsageButton message={message} />}
      {acts && !beside && <More acts={acts} message={message} tables={hasTables(text)} onEdit={text === "" ? undefined : onEdit} />}
      {message.finishedAt && (
        <time dateTime={message.finishedAt} title={format.dateTime(message.finishedAt)} className="ml-auto text-muted tabular-nums">
          {format.time(message.finishedAt)}
        </time>
      )}
    </div>
  );
}

/** Another answer beside this one: from the same model, or from one of the others. */
function Again({ acts, message }: { acts: MessageActs; message: Message }) {
  const { t } = useTranslation("chat");
  const busy = useBusy();
  const button = (
    <Button tone="quiet" size="dense" icon={RotateCw} className="text-muted" disabledReason={busy && t("busy")}>
      {t("regenerate")}
    </Button>
  );
  if (busy) return button;
  const same = acts.models.find((model) => model.id === message.modelId) ?? acts.models.find((model) => model.id === acts.modelId);
  const others = acts.models.filter((model) => model !== same);
  return (
    <Menu label={t("regenerate")} trigger={button}>
      {same && <MenuItem onAction={() => void acts.regenerate(message, same.id)}>{`${t("regenerateSame")} (${same.displayName})`}</MenuItem>}
      {others.length > 0 && (
        <MenuSection title={t("regenerateWith")}>
          {others.map((model) => (
            <MenuItem key={model.id} onAction={() => void acts.regenerate(message, model.id)}>
              {model.displayName}
            </MenuItem>
          ))}
        </MenuSection>
      )}
    </Menu>
  );
}

/** Whether some line of a text is that below the head of a table. */
export const hasTables = (text: string) => /^[ >]*(\|[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?|:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)+\|?)[ \t]*$/m.test(text);

/** What is done with an answer more rarely. */
function More({ acts, message, tables, onEdit }: { acts: MessageActs; message: Message; tables: boolean; onEdit: (() => void) | undefined }) {
  const { t } = useTranslation("chat");
  const busy = useBusy();
  const save = async () => {
    try {
      await saveTables(message.id);
      announce(t("tablesSaved"));
    } catch (error) {
      if (!isAbort(error)) toast({ tone: "danger", text: t("tablesFailed") });
    }
  };
  return (
    <Menu label={t("more")} trigger={<IconButton icon={Ellipsis} iconSize={16} size="dense" className="text-muted" label={t("more")} />}>
      {onEdit && (
        <MenuItem icon={Pencil} isDisabled={busy} onAction={onEdit}>
          {t("editAnswer")}
        </MenuItem>
      )}
      {tables && (
        <MenuItem icon={Sheet} onAction={() => void save()}>
          {t("tablesSave")}
        </MenuItem>
      )}
      {(onEdit || tables) && <MenuRule />}
      {forkItems(acts, message, t)}
    </Menu>
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
