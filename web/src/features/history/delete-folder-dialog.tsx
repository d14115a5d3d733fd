import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import { RadioGroup } from "@/ui/choice";
import { ConfirmDialog } from "@/ui/dialog";
import { toast } from "@/ui/toast";
import { refreshHistory } from "./acts";
import { deleteFolder, type Folder } from "./api";

/** Asks before a folder goes, and what becomes of its conversations. */
export function DeleteFolderDialog({ folder, onClose }: { folder: Folder; onClose: () => void }) {
  const { t } = useTranslation("history");
  const client = useQueryClient();
  const router = useRouter();
  const navigate = useNavigate();
  const format = useFormats();
  const [what, setWhat] = useState<"keep" | "delete">("keep");
  const count = folder.conversations;
  return (
    <ConfirmDialog
      title={t("deleteFolderTitle", { name: folder.name })}
      confirmLabel={t("deleteFolderAct")}
      isOpen
      onClose={onClose}
      onConfirm={async () => {
        await deleteFolder(folder.id, what);
        if (router.state.location.pathname === `/folders/${folder.id}`) await navigate({ to: "/history", search: {} });
        await refreshHistory(client);
        toast({ text: t("folderDeleted", { name: folder.name }) });
      }}
    >
      <p>{t("deleteFolderBody")}</p>
      {count > 0 && (
        <RadioGroup
          label={t("deleteFolderConversations", { count, formatted: format.number(count) })}
          value={what}
          onChange={setWhat}
          options={[
            { value: "keep", label: t("keepConversations"), hint: t("keepConversationsHint") },
            { value: "delete", label: t("deleteConversations"), hint: t("deleteConversationsHint") },
          ]}
        />
      )}
    </ConfirmDialog>
  );
}
