import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, Ellipsis, Folder as FolderIcon, FolderPlus, Pencil, Plus, SlidersHorizontal, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import { IconButton } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { Menu, MenuItem, MenuRule } from "@/ui/menu";
import { foldersQuery, type Folder } from "./api";
import { DeleteFolderDialog } from "./delete-folder-dialog";
import { FolderDialog } from "./folder-dialog";
import { LoadFailed } from "./load-failed";
import { useStored } from "./use-stored";

interface Props {
  onNavigate?: (() => void) | undefined;
}

const shownAtOnce = 5;

/** The person's folders, each a place of its own. Many of them must not keep the conversations out of sight. */
export function SideFolders({ onNavigate }: Props) {
  const { t } = useTranslation("history");
  const format = useFormats();
  const navigate = useNavigate();
  const folders = useQuery(foldersQuery);
  const [shown, setShown] = useStored("kakoi.folders", true);
  const [making, setMaking] = useState(false);
  const items = folders.data?.items ?? [];
  const { folderId: open } = useParams({ strict: false });
  const [all, setAll] = useState(false);
  const listed = all || items.length <= shownAtOnce + 1 ? items : items.filter((folder, i) => i < shownAtOnce || folder.id === open);
  return (
    <section aria-label={t("folders")} className="border-t border-rule py-2">
      <div className="flex items-center justify-between">
        <h2 className="min-w-0 flex-1 text-14 font-normal [font-feature-settings:normal]">
          <AriaButton aria-expanded={shown} onPress={() => setShown(!shown)} className="flex min-h-8 w-full items-center gap-1 rounded-6 px-[13px] text-muted hover:bg-surface-hover pointer-coarse:min-h-11">
            {t("folders")}
            <Icon of={shown ? ChevronDown : ChevronRight} size={16} />
          </AriaButton>
        </h2>
        <IconButton icon={FolderPlus} iconSize={16} size="dense" label={t("newFolder")} onPress={() => setMaking(true)} className="min-h-8! w-8! text-muted pointer-coarse:min-h-11! pointer-coarse:w-11!" />
      </div>
      {shown && items.length > 0 && (
        <ul>
          {listed.map((folder) => (
            <Row key={folder.id} folder={folder} onNavigate={onNavigate} />
          ))}
        </ul>
      )}
      {shown && (all || listed.length < items.length) && (
        <AriaButton onPress={() => setAll(!all)} className="flex min-h-row-side w-full items-center rounded-6 pr-2 pl-[39px] text-left text-14 text-muted hover:bg-surface-hover pointer-coarse:min-h-11">
          {all ? t("foldersFewer") : t("foldersAll", { formatted: format.number(items.length) })}
        </AriaButton>
      )}
      {shown && folders.error && !folders.data && <LoadFailed error={folders.error} onRetry={() => void folders.refetch()} />}
      {shown && folders.data && items.length === 0 && <p className="px-[13px] py-1 text-14 text-muted">{t("foldersEmpty")}</p>}
      {making && (
        <FolderDialog
          onClose={() => setMaking(false)}
          onSaved={(folder) => {
            onNavigate?.();
            void navigate({ to: "/folders/$folderId", params: { folderId: folder.id } });
          }}
        />
      )}
    </section>
  );
}

function Row({ folder, onNavigate }: { folder: Folder } & Props) {
  const { t } = useTranslation("history");
  const format = useFormats();
  const navigate = useNavigate();
  const [open, setOpen] = useState<"rename" | "delete" | null>(null);
  const go = (act: () => unknown) => {
    onNavigate?.();
    act();
  };
  return (
    <li className="group relative">
      <Link
        to="/folders/$folderId"
        params={{ folderId: folder.id }}
        onClick={onNavigate}
        title={folder.name}
        className="flex min-h-row-side items-center gap-2.5 rounded-6 px-[13px] text-14 text-default no-underline group-focus-within:pr-9 group-hover:bg-surface-hover group-hover:pr-9 aria-[current=page]:bg-surface-selected aria-[current=page]:font-bold pointer-coarse:min-h-11 pointer-coarse:pr-12"
      >
        <Icon of={FolderIcon} size={16} className="text-muted" />
        <span className="min-w-0 flex-1 truncate">{folder.name}</span>
        <span className="font-normal text-muted tabular-nums group-focus-within:invisible group-hover:invisible pointer-coarse:hidden" aria-label={t("countOf", { count: folder.conversations, formatted: format.number(folder.conversations) })}>
          {format.number(folder.conversations)}
        </span>
      </Link>
      <span className="chat-acts absolute inset-y-0 right-0.5 flex items-center">
        <Menu
          label={t("folderActsNamed", { name: folder.name })}
          placement="bottom end"
          trigger={<IconButton icon={Ellipsis} iconSize={16} size="dense" className="min-h-8! w-8! pointer-coarse:min-h-11! pointer-coarse:w-11!" label={t("folderActsNamed", { name: folder.name })} />}
        >
          <MenuItem icon={Plus} onAction={() => go(() => void navigate({ to: "/", search: { folder: folder.id } }))}>
            {t("newHere")}
          </MenuItem>
          <MenuItem icon={SlidersHorizontal} onAction={() => go(() => void navigate({ to: "/folders/$folderId", params: { folderId: folder.id } }))}>
            {t("folderSettings")}
          </MenuItem>
          <MenuItem icon={Pencil} onAction={() => setOpen("rename")}>
            {t("rename")}
          </MenuItem>
          <MenuRule />
          <MenuItem icon={Trash2} tone="danger" onAction={() => setOpen("delete")}>
            {t("deleteFolderMenu")}
          </MenuItem>
        </Menu>
      </span>
      {open === "rename" && <FolderDialog folder={folder} onClose={() => setOpen(null)} />}
      {open === "delete" && <DeleteFolderDialog folder={folder} onClose={() => setOpen(null)} />}
    </li>
  );
}
