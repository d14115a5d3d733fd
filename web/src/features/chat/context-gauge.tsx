import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button as AriaButton, Dialog, DialogTrigger, Popover } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { toApiError } from "@/lib/api/error";
import { cx } from "@/lib/cx";
import { useErrorTextOf } from "@/lib/error-text";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { Detail, Details } from "@/ui/details";
import { toast } from "@/ui/toast";
import { contextQuery, forgetSummary, summarise } from "./api";

interface Props {
  conversationId: string;
  /** What the gauge depends on: the end of the branch, how it stands, the model. */
  state: string;
  running: boolean;
}

/** How full the model's context is; opens what it is full of, and what the branch has cost. */
export function ContextGauge({ conversationId, state, running }: Props) {
  const { t } = useTranslation("chat");
  const client = useQueryClient();
  const format = useFormats();
  const errorText = useErrorTextOf();
  const { data } = useQuery({ ...contextQuery(conversationId, state), enabled: !running, placeholderData: keepPreviousData });
  const summary = useMutation({
    mutationFn: async (make: boolean) => void (make ? await summarise(conversationId) : await forgetSummary(conversationId)),
    onSuccess: (_, make) => toast({ text: make ? t("summarised") : t("forgotSummary") }),
    onError: (error) => toast({ tone: "danger", text: errorText(toApiError(error)).said }),
    onSettled: () => void client.invalidateQueries({ queryKey: ["context", conversationId] }),
  });
  if (!data) return null;
  const tokens = (count: number) => t("tokens", { count, formatted: format.number(count) });
  const used = data.systemTokens + data.summaryTokens + data.fileTokens + data.messageTokens;
  const share = data.limitTokens > 0 ? Math.min(100, Math.round(((used + data.reservedTokens) / data.limitTokens) * 100)) : undefined;
  const full = data.omitted > 0 || (share ?? 0) >= 85;
  return (
    <DialogTrigger>
      <AriaButton
        aria-label={share === undefined ? t("gaugeOpenTokens", { tokens: tokens(used) }) : t("gaugeOpen", { share })}
        className={cx("mt-0.5 flex min-h-8 flex-none items-center gap-2 rounded-4 px-2 text-14 tabular-nums max-md:ml-auto max-md:gap-1 max-md:px-1 hover:text-default pointer-coarse:min-h-11", full ? "text-warning" : "text-muted")}
      >
        <span className="max-md:sr-only">{t("gauge")}</span>
        {share === undefined ? (
          tokens(used)
        ) : (
          <>
            <span aria-hidden="true" className="h-1.5 w-12 overflow-hidden max-md:w-6 rounded-full bg-surface-selected">
              <span className={cx("block h-full rounded-full", full ? "bg-warning" : "bg-[var(--text-muted)]")} style={{ width: `${share}%` }} />
            </span>
            {t("gaugeShare", { share })}
          </>
        )}
      </AriaButton>
      <Popover placement="top end" offset={4} className="w-88 max-w-[calc(100vw-2rem)] rounded-8 border border-rule bg-surface-overlay shadow-overlay entering:animate-appear">
        <Dialog aria-label={t("gauge")} className="grid gap-3 p-4 text-14 outline-none">
          {data.omitted > 0 && <p className="rounded-6 bg-warning-soft px-3 py-2 leading-150">{t("gaugeOmitted", { count: data.omitted })}</p>}
          {data.summarised && <p className="rounded-6 bg-surface-raised px-3 py-2 leading-150">{t("gaugeSummarised")}</p>}
          <Details className="grid-cols-[9.5rem_minmax(0,1fr)] tabular-nums">
            {data.systemTokens > 0 && <Detail name={t("gaugeSystem")}>{tokens(data.systemTokens)}</Detail>}
            {data.summaryTokens > 0 && <Detail name={t("gaugeSummary")}>{tokens(data.summaryTokens)}</Detail>}
            {data.fileTokens > 0 && <Detail name={t("gaugeFiles")}>{tokens(data.fileTokens)}</Detail>}
            <Detail name={t("gaugeMessages")}>{tokens(data.messageTokens)}</Detail>
            {data.limitTokens > 0 && <Detail name={t("gaugeReserved")}>{tokens(data.reservedTokens)}</Detail>}
            {data.limitTokens > 0 && <Detail name={t("gaugeLimit")}>{tokens(data.limitTokens)}</Detail>}
            {data.costs.length > 0 && <Detail name={t("gaugeCost")}>{data.costs.map(({ amount, currency }) => (currency === "JPY" || currency === "USD" ? format.money(amount, currency) : `${amount} ${currency}`)).join(" + ")}</Detail>}
          </Details>
          <p className="text-muted">{t("gaugeEstimated")}</p>
          <div className="flex flex-wrap gap-2">
            <Button size="dense" isPending={summary.isPending && summary.variables} pendingLabel={t("summarising")} onPress={() => summary.mutate(true)}>
              {t("summarise")}
            </Button>
            {data.summarised && (
              <Button size="dense" tone="quiet" isPending={summary.isPending} onPress={() => summary.mutate(false)}>
                {t("forgetSummary")}
              </Button>
            )}
          </div>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
