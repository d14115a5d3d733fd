import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ConversationSummary } from "@/features/chat/api";
import { isAbort, toApiError, type ApiError } from "@/lib/api/error";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { Checkbox, RadioGroup } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { toast } from "@/ui/toast";
import { exportConversations, type ExportFormat, exportFormats } from "./api";

interface Props {
  items: readonly Pick<ConversationSummary, "id" | "title">[];
  onClose: () => void;
}

/** Writes one or many conversations to a file. */
export function ExportDialog({ items, onClose }: Props) {
  const { t } = useTranslation("history");
  const { t: ui } = useTranslation("ui");
  const format = useFormats();
  const [kind, setKind] = useState<ExportFormat>("docx");
  const [reasoning, setReasoning] = useState(false);
  const [era, setEra] = useState(format.era);
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [first] = items;
  const run = async () => {
    setPending(true);
    setFailure(null);
    try {
      await exportConversations(
        items.map((item) => item.id),
        { format: kind, reasoning, era },
      );
      onClose();
      toast({ text: t("exported") });
    } catch (error) {
      if (!isAbort(error)) setFailure(toApiError(error));
    } finally {
      setPending(false);
    }
  };
  return (
    <Dialog
      title={t("exportTitle")}
      size="small"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={pending} pendingLabel={t("exporting")} onPress={() => void run()}>
            {t("exportAct")}
          </Button>
        </>
      }
    >
      <p className="mb-4 truncate text-14 text-muted">{items.length === 1 ? first?.title : t("chosen", { count: items.length, formatted: format.number(items.length) })}</p>
      <div className="grid gap-4">
        {failure && <ErrorNotice error={failure} />}
        {items.length > 1 && <p className="text-14">{t("exportTogether")}</p>}
        <RadioGroup<ExportFormat> label={t("exportFormat")} value={kind} onChange={setKind} options={exportFormats.map((value) => ({ value, label: t(`format.${value}`), hint: t(`formatHint.${value}`) }))} />
        <div className="grid border-t border-rule pt-3">
          <Checkbox isSelected={reasoning} onChange={setReasoning} hint={t("withReasoningHint")}>
            {t("withReasoning")}
          </Checkbox>
          {kind !== "json" && (
            <Checkbox isSelected={era} onChange={setEra} hint={t("withEraHint")}>
              {t("withEra")}
            </Checkbox>
          )}
        </div>
      </div>
    </Dialog>
  );
}
