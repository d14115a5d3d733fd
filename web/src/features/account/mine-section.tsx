import { useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { refreshHistory } from "@/features/history/acts";
import { deleteEverything, exportEverything } from "@/features/history/api";
import { isAbort, toApiError, type ApiError } from "@/lib/api/error";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Section } from "@/ui/page";
import { TextField } from "@/ui/text-field";
import { toast } from "@/ui/toast";

/** Everything that is mine: to take along, or to delete. */
export function MineSection() {
  const { t } = useTranslation("account");
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [asking, setAsking] = useState(false);
  const take = async () => {
    setPending(true);
    setFailure(null);
    try {
      await exportEverything();
    } catch (error) {
      if (!isAbort(error)) setFailure(toApiError(error));
    } finally {
      setPending(false);
    }
  };
  return (
    <Section id="mine" title={t("mine")} hint={t("mineHint")}>
      <div className="grid gap-4">
        {failure && <ErrorNotice error={failure} />}
        <div className="flex flex-wrap gap-2">
          <Button icon={Download} isPending={pending} pendingLabel={t("mineExporting")} onPress={() => void take()}>
            {t("mineExport")}
          </Button>
          <Button tone="danger" onPress={() => setAsking(true)}>
            {t("mineDelete")}
          </Button>
        </div>
      </div>
      {asking && <DeleteMine onClose={() => setAsking(false)} />}
    </Section>
  );
}

/** Asks for a word to be typed: nobody deletes everything by a slip. */
function DeleteMine({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("account");
  const { t: ui } = useTranslation("ui");
  const client = useQueryClient();
  const format = useFormats();
  const [typed, setTyped] = useState("");
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<ApiError | null>(null);
  const word = t("mineWord");
  const matches = typed.normalize("NFKC").trim().toLowerCase() === word.toLowerCase();
  const run = async () => {
    if (!matches || pending) return;
    setPending(true);
    try {
      const { deleted } = await deleteEverything();
      client.removeQueries({ queryKey: ["messages"] });
      await refreshHistory(client);
      onClose();
      toast({ text: t("mineDeleted", { count: deleted, formatted: format.number(deleted) }) });
    } catch (error) {
      setFailure(toApiError(error));
      setPending(false);
    }
  };
  return (
    <Dialog
      title={t("mineDeleteTitle")}
      role="alertdialog"
      size="small"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="danger" isPending={pending} pendingLabel={t("mineDeleting")} disabledReason={!matches && t("mineTypeFirst", { word })} onPress={() => void run()}>
            {t("mineDeleteAct")}
          </Button>
        </>
      }
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <p className="leading-prose">{t("mineDeleteBody")}</p>
        {failure && <ErrorNotice error={failure} />}
        <TextField label={t("mineType", { word })} value={typed} onChange={setTyped} autoComplete="off" autoFocus />
      </form>
    </Dialog>
  );
}
