import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { TextField } from "@/ui/text-field";
import { refreshHistory } from "./acts";
import { createFolder, type Folder, updateFolder } from "./api";

interface Props {
  /** The folder to rename; a new one when left out. */
  folder?: Pick<Folder, "id" | "name">;
  onClose: () => void;
  onSaved?: (folder: Folder) => void;
}

/** Makes a folder, or gives one another name. */
export function FolderDialog({ folder, onClose, onSaved }: Props) {
  const { t } = useTranslation("history");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const client = useQueryClient();
  const form = useForm({
    initial: { name: folder?.name ?? "" },
    validate: (v) => ({ name: v.name.trim() ? undefined : common("required") }),
    submit: async (v) => {
      const name = v.name.trim();
      const saved = folder ? await updateFolder(folder.id, { name }) : await createFolder({ name });
      await refreshHistory(client);
      onClose();
      onSaved?.(saved);
    },
    fieldError: (err) => ({ name: err.code === "conflict" || err.code === "name_taken" ? t("folderTaken") : err.field === "name" ? common("refused") : undefined }),
  });
  return (
    <Dialog
      title={folder ? t("renameFolder") : t("newFolder")}
      size="small"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={common("saving")} onPress={() => void form.submit()}>
            {folder ? common("save") : t("createFolder")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <TextField {...form.field("name")} label={t("folderName")} hint={folder ? undefined : t("folderNameHint")} autoFocus autoComplete="off" maxLength={100} />
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}
