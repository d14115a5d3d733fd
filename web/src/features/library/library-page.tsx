import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { NotebookPen, Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";
import { Button } from "@/ui/button";
import { FilterChip } from "@/ui/chip";
import { Empty, NoMatch } from "@/ui/empty";
import { Page } from "@/ui/page";
import { State } from "@/ui/state";
import { More, Table, type Column } from "@/ui/table";
import { SearchField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { type PromptSummary, categoriesQuery, promptsQuery } from "./api";
import { PromptDialog } from "./prompt-dialog";
import { PromptPanel } from "./prompt-panel";
import { useCategoryName, useLanguage } from "./words";

/** Texts that are written once and used often. */
export function LibraryPage() {
  const { t } = useTranslation("library");
  const { t: common } = useTranslation("common");
  const format = useFormats();
  const search = useSearch({ from: "/workplace/prompts" });
  const navigate = useNavigate({ from: "/prompts" });
  const [typed, setTyped] = useState(search.q ?? "");
  const q = useDebounced(typed.trim());
  const [adding, setAdding] = useState(false);
  const categoryName = useCategoryName();
  const categories = useQuery(categoriesQuery);

  useEffect(() => {
    if ((search.q ?? "") !== q) void navigate({ search: (old) => ({ ...old, q: q || undefined }), replace: true });
  }, [q, search.q, navigate]);

  const { id, ...filter } = search;
  const filtered = Object.values(filter).some(Boolean);
  const noneYet = filter.scope === "mine" && Object.values(filter).filter(Boolean).length === 1; // of one's own
  const prompts = useInfiniteQuery(promptsQuery(filter, useLanguage()));
  const rows = prompts.data?.pages.flatMap((p) => p.items) ?? [];
  const narrow = (patch: Partial<typeof search>) => void navigate({ search: (old) => ({ ...old, ...patch }), replace: true });
  const open = (next?: string) => void navigate({ search: (old) => ({ ...old, id: next }) });
  const owner = (p: PromptSummary) => (p.official ? t("official") : p.mine ? t("me") : p.ownerName);

  const columns: Column<PromptSummary>[] = [
    { id: "name", header: t("name"), cell: (p) => p.name },
    { id: "command", header: t("command"), cell: (p) => (p.command ? `/${p.command}` : ""), width: "w-36", from: "narrow" },
    { id: "category", header: t("category"), cell: (p) => (p.category ? categoryName(p.category) : ""), width: "w-36", from: "middle" },
    { id: "kind", header: t("kind"), cell: (p) => t(p.kind === "system" ? "kindSystem" : "kindMessage"), width: "w-40 @max-[36rem]:w-30" },
    { id: "owner", header: t("owner"), cell: (p) => (p.hidden ? <State tone="stop">{t("hiddenState")}</State> : owner(p)), width: "w-32", from: "middle" },
    { id: "used", header: t("lastUsed"), cell: (p) => (p.myLastUseAt ? format.near(p.myLastUseAt) : common("never")), width: "w-40", align: "end", from: "wide" },
  ];

  const add = (
    <Button tone="primary" size="dense" icon={Plus} onPress={() => setAdding(true)}>
      {t("add")}
    </Button>
  );

  return (
    <div className="flex min-h-0 flex-1">
      <Page title={t("title")} actions={add}>
        <div className="flex flex-none flex-wrap items-center gap-2 px-6 pb-3 max-md:px-4">
          <SearchField label={t("search")} placeholder={t("searchHint")} value={typed} onChange={setTyped} className="w-64 max-md:w-full" />
          <FilterChip
            label={t("scope")}
            value={filter.scope ?? ""}
            onChange={(scope) => narrow({ scope: scope || undefined })}
            options={(["mine", "shared", "official"] as const).map((value) => ({ value, label: t(`scopes.${value}`) }))}
          />
          <FilterChip
            label={t("kind")}
            value={filter.kind ?? ""}
            onChange={(kind) => narrow({ kind: kind || undefined })}
            options={[
              { value: "message", label: t("kindMessage") },
              { value: "system", label: t("kindSystem") },
            ]}
          />
          <FilterChip
            label={t("category")}
            value={filter.category ?? ""}
            onChange={(category) => narrow({ category: category || undefined })}
            options={(categories.data?.items ?? []).filter((c) => c.prompts > 0 || c.id === filter.category).map((c) => ({ value: c.id, label: categoryName(c.id) }))}
          />
          <FilterChip label={t("state")} value={filter.archived ? "archived" : ""} onChange={(value) => narrow({ archived: value === "archived" || undefined })} options={[{ value: "archived", label: t("archivedState") }]} />
        </div>
        <Table
          label={t("title")}
          className="flex-1"
          columns={columns}
          rows={rows}
          rowKey={(p) => p.id}
          rowName={(p) => p.name}
          currentKey={id}
          onOpen={(p) => open(p.id)}
          isPending={prompts.isPending}
          error={prompts.error}
          onRetry={() => void prompts.refetch()}
          empty={
            filtered && !noneYet ? (
              <NoMatch
                title={t("noMatch")}
                onClear={() => {
                  setTyped("");
                  void navigate({ search: {}, replace: true });
                }}
              />
            ) : (
              <Empty icon={NotebookPen} title={t("empty")} actions={add}>
                {t("emptyHint")}
              </Empty>
            )
          }
        />
        {rows.length > 0 && <More text={t("shown", { count: rows.length })} hasMore={prompts.hasNextPage} isPending={prompts.isFetchingNextPage} onMore={() => void prompts.fetchNextPage()} />}
      </Page>
      {id && <PromptPanel key={id} id={id} onClose={() => open()} onOpen={open} />}
      {adding && (
        <PromptDialog
          onClose={() => setAdding(false)}
          onSaved={(saved) => {
            toast({ text: common("saved") });
            open(saved.id);
          }}
        />
      )}
    </div>
  );
}
