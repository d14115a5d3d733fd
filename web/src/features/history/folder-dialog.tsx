import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { NameDialog } from "@/ui/name-dialog";
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
  const client = useQueryClient();
  return (
    <NameDialog
      title={folder ? t("renameFolder") : t("newFolder")}
      label={t("folderName")}
      hint={folder ? undefined : t("folderNameHint")}
      name={folder?.name}
      act={folder ? common("save") : t("createFolder")}
      maxLength={100}
      taken={t("folderTaken")}
      onClose={onClose}
      onSave={async (name) => {
        const saved = folder ? await updateFolder(folder.id, { name }) : await createFolder({ name });
        await refreshHistory(client);
        onSaved?.(saved);
      }}
    />
  );
}
