import { useQuery } from "@tanstack/react-query";
import { BookOpen, Save } from "lucide-react";
import { useCallback, useState } from "react";
import { ListBox, ListBoxItem, Text } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { matches } from "@/lib/match";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Empty } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { Skeleton } from "@/ui/skeleton";
import { SearchField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { offeredQuery } from "./api";
import { PromptDialog } from "./prompt-dialog";
import { usePromptText } from "./use-prompt";
import { useCategoryName, useLanguage } from "./words";

interface Props {
  value: string;
  onChange: (value: string) => void;
}

/** Under the instructions of a conversation: take them from the library, or keep them there. */
export function SystemPromptTools({ value, onChange }: Props) {
  const { t } = useTranslation("library");
  const [open, setOpen] = useState<"choose" | "save">();
  const close = () => setOpen(undefined);
  const { take, dialog } = usePromptText(t("put"), onChange);
  return (
    <div className="-mt-3 -ml-3 flex flex-wrap gap-1">
      <Button tone="quiet" size="dense" icon={BookOpen} onPress={() => setOpen("choose")}>
        {t("choose")}
      </Button>
      <Button tone="quiet" size="dense" icon={Save} disabledReason={value.trim() === "" && t("nothingToSave")} onPress={() => setOpen("save")}>
        {t("saveAs")}
      </Button>
      {open === "choose" && (
        <ChooseDialog
          replaces={value.trim() !== ""}
          onClose={close}
          onChoose={(id) => {
            close();
            void take(id);
          }}
        />
      )}
      {open === "save" && <PromptDialog start={{ kind: "system", body: value }} onClose={close} onSaved={() => toast({ text: t("savedAs") })} />}
      {dialog}
    </div>
  );
}

/** Instructions of the library, of which one is to be chosen. */
export function ChooseDialog({ replaces = false, onClose, onChoose }: { replaces?: boolean; onClose: () => void; onChoose: (id: string) => void }) {
  const { t } = useTranslation("library");
  const categoryName = useCategoryName();
  const [query, setQuery] = useState("");
  const prompts = useQuery(offeredQuery("system", useLanguage()));
  const word = useCallback((p: { name: string; category?: string; description?: string }) => `${p.name} ${p.category ? categoryName(p.category) : ""} ${p.description ?? ""}`, [categoryName]);
  const items = (prompts.data?.items ?? []).filter((p) => matches(word(p), query.trim()));
  return (
    <Dialog title={t("chooseTitle")} isOpen onClose={onClose} dismissable>
      <div className="grid gap-3">
        {replaces && <p className="text-14 text-muted">{t("replace")}</p>}
        <SearchField label={t("search")} value={query} onChange={setQuery} autoFocus />
        {prompts.error ? (
          <ErrorNotice error={prompts.error} onRetry={() => void prompts.refetch()} />
        ) : prompts.isPending ? (
          <Skeleton />
        ) : prompts.data.items.length === 0 ? (
          <Empty title={t("chooseEmpty")} />
        ) : (
          <ListBox
            aria-label={t("chooseTitle")}
            items={items}
            selectionMode="none"
            onAction={(key) => onChoose(String(key))}
            renderEmptyState={() => <p className="p-3 text-14 text-muted">{t("slashNone")}</p>}
            className="max-h-[50vh] overflow-y-auto outline-none"
          >
            {(p) => (
              <ListBoxItem id={p.id} textValue={p.name} className="flex min-h-11 cursor-pointer items-center gap-3 rounded-6 border-b border-rule px-2 py-1.5 text-14 outline-none data-[focused]:bg-surface-selected data-[hovered]:bg-surface-hover">
                <span className="min-w-0 flex-1">
                  <Text slot="label" className="block font-bold">
                    {p.name}
                  </Text>
                  {p.description && (
                    <Text slot="description" className="block truncate text-muted">
                      {p.description}
                    </Text>
                  )}
                </span>
                {p.category && <span className="flex-none text-muted">{categoryName(p.category)}</span>}
              </ListBoxItem>
            )}
          </ListBox>
        )}
      </div>
    </Dialog>
  );
}
