import { Archive, ArchiveRestore, Download, Ellipsis, FolderInput, Pencil, Pin, PinOff, Tag, Trash2 } from "lucide-react";
import { lazy, type ReactElement, type ReactNode, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/button";
import { Menu, MenuItem, MenuRule } from "@/ui/menu";
import { toast } from "@/ui/toast";
import { type Organised, useOrganise, useRemove } from "./acts";

const ExportDialog = lazy(async () => ({ default: (await import("./export-dialog")).ExportDialog }));
const MoveDialog = lazy(async () => ({ default: (await import("./move-dialog")).MoveDialog }));
const TagsDialog = lazy(async () => ({ default: (await import("./tags-dialog")).TagsDialog }));

interface Props {
  item: Organised;
  onRename: () => void;
  /** What else can be done in this place. */
  children?: ReactNode;
  /** The button that opens it, where it is not the small one of a row, and what it is called. */
  trigger?: ReactElement;
  label?: string;
}

/** What can be done with one conversation: the same wherever it is met. */
export function ConversationMenu({ item, onRename, children, trigger, label }: Props) {
  const { t } = useTranslation("history");
  const { t: common } = useTranslation("common");
  const { pin, archive, change } = useOrganise();
  const remove = useRemove();
  const [open, setOpen] = useState<"move" | "tags" | "export" | null>(null);
  const close = () => setOpen(null);
  const name = label ?? t("actsNamed", { title: item.title });
  return (
    <>
      <Menu
        label={name}
        placement="bottom end"
        trigger={trigger ?? <IconButton icon={Ellipsis} iconSize={16} size="dense" className="min-h-8! w-8! pointer-coarse:min-h-11! pointer-coarse:w-11!" label={name} />}
      >
        <MenuItem icon={Pencil} onAction={onRename}>
          {t("rename")}
        </MenuItem>
        <MenuItem icon={item.pinned ? PinOff : Pin} onAction={() => void pin(item)}>
          {item.pinned ? t("unpin") : t("pin")}
        </MenuItem>
        <MenuItem icon={FolderInput} onAction={() => setOpen("move")}>
          {t("move")}
        </MenuItem>
        <MenuItem icon={Tag} onAction={() => setOpen("tags")}>
          {t("tagsAct")}
        </MenuItem>
        <MenuItem icon={Download} onAction={() => setOpen("export")}>
          {t("exportAct")}
        </MenuItem>
        {children}
        <MenuRule />
        <MenuItem icon={item.archived ? ArchiveRestore : Archive} onAction={() => void archive(item)}>
          {item.archived ? t("unarchive") : t("archive")}
        </MenuItem>
        <MenuItem icon={Trash2} tone="danger" onAction={() => remove([item])}>
          {common("delete")}
        </MenuItem>
      </Menu>
      <Suspense>
        {open === "move" && (
          <MoveDialog
            what={item.title}
            folderId={item.folderId ?? ""}
            onClose={close}
            onMove={async (folderId, name) => {
              const before = item.folderId ?? "";
              if (folderId === before || !(await change(item, { folderId }))) return;
              toast({ text: folderId ? t("moved", { name }) : t("movedOut"), undo: () => void change(item, { folderId: before }) });
            }}
          />
        )}
        {open === "tags" && <TagsDialog what={item.title} tags={item.tags} act={common("save")} onClose={close} onSave={(tags) => change(item, { tags })} />}
        {open === "export" && <ExportDialog items={[item]} onClose={close} />}
      </Suspense>
    </>
  );
}
