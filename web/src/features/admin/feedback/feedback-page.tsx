import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download, ThumbsUp } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";
import { Button } from "@/ui/button";
import { FilterChip } from "@/ui/chip";
import { Detail, Details } from "@/ui/details";
import { PanelSection, SidePanel } from "@/ui/drawer";
import { Empty, NoMatch } from "@/ui/empty";
import { Markdown } from "@/ui/markdown/markdown";
import { Menu, MenuItem } from "@/ui/menu";
import { Page } from "@/ui/page";
import { State } from "@/ui/state";
import { More, Table, type Column } from "@/ui/table";
import { SearchField } from "@/ui/text-field";
import { catalogueQuery } from "../models/api";
import { type FeedbackEntry, type Reason, exportUrl, feedbackQuery, periods, reasons } from "./api";

/** An opinion is known by the answer and by who gave it. */
const keyOf = (e: FeedbackEntry) => `${e.messageId}.${e.accountId}`;

/** What people think of the answers they got. */
export function FeedbackPage() {
  const { t } = useTranslation("feedback");
  const format = useFormats();
  const search = useSearch({ from: "/admin/feedback" });
  const navigate = useNavigate({ from: "/admin/feedback" });
  const [typed, setTyped] = useState(search.q ?? "");
  const q = useDebounced(typed.trim());

  useEffect(() => {
    if ((search.q ?? "") !== q) void navigate({ search: (old) => ({ ...old, q: q || undefined }), replace: true });
  }, [q, search.q, navigate]);

  const { id, ...filter } = search;
  const filtered = Object.values(filter).some(Boolean);
  const feedback = useInfiniteQuery(feedbackQuery(filter));
  const models = useQuery(catalogueQuery);
  const rows = feedback.data?.pages.flatMap((p) => p.items) ?? [];
  const current = rows.find((e) => keyOf(e) === id);
  const narrow = (patch: Partial<typeof search>) => void navigate({ search: (old) => ({ ...old, ...patch }), replace: true });
  const open = (next?: string) => void navigate({ search: (old) => ({ ...old, id: next }) });
  const words = useReasons();
  const { t: chat } = useTranslation("chat");

  const columns: Column<FeedbackEntry>[] = [
    { id: "rating", header: t("rating"), cell: (e) => <Rating of={e.rating} />, width: "w-40 @max-[36rem]:w-28" },
    { id: "reasons", header: t("reason"), cell: (e) => words(e.reasons), width: "w-56 @max-[60rem]:w-44", from: "narrow" },
    { id: "comment", header: t("comment"), cell: (e) => e.comment },
    { id: "model", header: t("model"), cell: (e) => e.modelName, width: "w-40", from: "wide" },
    { id: "person", header: t("person"), cell: (e) => e.personName, width: "w-32", from: "middle" },
    { id: "at", header: t("at"), cell: (e) => format.near(e.updatedAt), width: "w-32", align: "end", from: "narrow" },
  ];

  return (
    <div className="flex min-h-0 flex-1">
      <Page
        title={t("title")}
        actions={
          <Menu
            label={t("export")}
            placement="bottom end"
            trigger={
              <Button size="dense" icon={Download}>
                {t("export")}
              </Button>
            }
          >
            <MenuItem hint={t("csvHint")} onAction={() => take(exportUrl(filter, "csv"))}>
              {t("csv")}
            </MenuItem>
            <MenuItem hint={t("jsonlHint")} onAction={() => take(exportUrl(filter, "jsonl"))}>
              {t("jsonl")}
            </MenuItem>
          </Menu>
        }
      >
        <div className="flex flex-none flex-wrap items-center gap-2 px-6 pb-3 max-md:px-4">
          <SearchField label={t("search")} value={typed} onChange={setTyped} className="w-64 max-md:w-full" />
          <FilterChip
            label={t("rating")}
            value={filter.rating ?? ""}
            onChange={(rating) => narrow({ rating: rating || undefined })}
            options={[
              { value: "good", label: t("good") },
              { value: "bad", label: t("bad") },
            ]}
          />
          <FilterChip<Reason> label={t("reason")} value={filter.reason ?? ""} onChange={(reason) => narrow({ reason: reason || undefined })} options={reasons.map((value) => ({ value, label: chat(`reason.${value}`) }))} />
          {models.data && models.data.items.length > 0 && (
            <FilterChip label={t("model")} value={filter.model ?? ""} onChange={(model) => narrow({ model: model || undefined })} options={models.data.items.map((m) => ({ value: m.id, label: m.displayName }))} />
          )}
          <FilterChip label={t("period")} value={filter.days ?? ""} onChange={(days) => narrow({ days: days || undefined })} options={periods.map((value) => ({ value, label: t("lastDays", { count: Number(value) }) }))} />
        </div>
        <Table
          label={t("title")}
          className="flex-1"
          columns={columns}
          rows={rows}
          rowKey={keyOf}
          rowName={(e) => `${e.personName} ${format.near(e.updatedAt)}`}
          currentKey={id}
          onOpen={(e) => open(keyOf(e))}
          isPending={feedback.isPending}
          error={feedback.error}
          onRetry={() => void feedback.refetch()}
          empty={
            filtered ? (
              <NoMatch
                title={t("noMatch")}
                onClear={() => {
                  setTyped("");
                  void navigate({ search: {}, replace: true });
                }}
              />
            ) : (
              <Empty icon={ThumbsUp} title={t("empty")}>
                {t("emptyHint")}
              </Empty>
            )
          }
        />
        {rows.length > 0 && <More text={t("shown", { count: rows.length })} hasMore={feedback.hasNextPage} isPending={feedback.isFetchingNextPage} onMore={() => void feedback.fetchNextPage()} />}
      </Page>
      {current && <FeedbackPanel key={id} entry={current} onClose={() => open()} />}
    </div>
  );
}

/** Follows the address of a file; the answer is a download, so the page stays. */
function take(url: string) {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
}

function Rating({ of }: { of: FeedbackEntry["rating"] }) {
  const { t } = useTranslation("feedback");
  return <State tone={of === "good" ? "on" : "stop"}>{t(of)}</State>;
}

/** Gives the words for reasons, those in which they were chosen; one that these texts do not know stays as it is. */
function useReasons() {
  const { t } = useTranslation("chat");
  const format = useFormats();
  return (given: readonly string[]) => format.list(given.map((reason) => (reasons as readonly string[]).includes(reason) ? t(`reason.${reason as Reason}`) : reason));
}

function FeedbackPanel({ entry, onClose }: { entry: FeedbackEntry; onClose: () => void }) {
  const { t } = useTranslation("feedback");
  const { t: common } = useTranslation("common");
  const format = useFormats();
  const words = useReasons();
  return (
    <SidePanel title={t(entry.rating === "good" ? "panelGood" : "panelBad")} subtitle={format.dateTime(entry.updatedAt)} onClose={onClose}>
      <div className="px-6 pb-4 max-md:px-4">
        <Details>
          <Detail name={t("person")}>
            <span className="block">{entry.personName}</span>
            <span className="block text-muted [overflow-wrap:anywhere]">{entry.personEmail}</span>
          </Detail>
          <Detail name={t("model")}>{entry.modelName || common("unknown")}</Detail>
          <Detail name={t("reason")}>{entry.reasons.length > 0 ? words(entry.reasons) : common("none")}</Detail>
          <Detail name={t("comment")}>{entry.comment ? <span className="leading-[1.6] [overflow-wrap:anywhere] whitespace-pre-wrap">{entry.comment}</span> : common("none")}</Detail>
        </Details>
      </div>
      {entry.shared ? (
        <>
          <PanelSection title={t("question")}>{entry.question ? <p className="leading-prose [overflow-wrap:anywhere] whitespace-pre-wrap">{entry.question}</p> : <p className="text-muted">{t("gone")}</p>}</PanelSection>
          <PanelSection title={t("answer")}>{entry.answer ? <Markdown text={entry.answer} className="text-14" /> : <p className="text-muted">{t("gone")}</p>}</PanelSection>
        </>
      ) : (
        <PanelSection title={t("content")}>
          <p className="text-muted">{t("notShared")}</p>
        </PanelSection>
      )}
    </SidePanel>
  );
}
