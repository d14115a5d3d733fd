import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Folder as FolderIcon, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/icon";
import { foldersQuery } from "./api";

/** Before the title of a conversation: the folder whose instructions and files go with it. */
export function TitleFolder({ id }: { id: string | undefined }) {
  const { t } = useTranslation("history");
  const name = useQuery(foldersQuery).data?.items.find((one) => one.id === id)?.name;
  if (!id || !name) return null;
  return (
    <Link
      to="/folders/$folderId"
      params={{ folderId: id }}
      aria-label={t("inFolder", { name })}
      title={t("inFolder", { name })}
      className="flex min-h-9 max-w-[30%] flex-none items-center gap-1.5 rounded-6 px-2 text-14 text-muted no-underline hover:bg-surface-hover max-md:w-9 max-md:px-0 max-md:justify-center pointer-coarse:min-h-11 pointer-coarse:max-md:w-11"
    >
      <Icon of={FolderIcon} size={16} />
      <span className="truncate max-md:hidden">{name}</span>
    </Link>
  );
}

/** Says in which folder the conversation will begin, and lets it begin outside. */
export function StartFolder({ id }: { id: string }) {
  const { t } = useTranslation("history");
  const name = useQuery(foldersQuery).data?.items.find((one) => one.id === id)?.name;
  if (!name) return null;
  return (
    <p className="mb-3 flex items-center gap-2 text-14">
      <Icon of={FolderIcon} size={16} className="text-muted" />
      <Link to="/folders/$folderId" params={{ folderId: id }} className="min-w-0 truncate rounded-4 text-default hover:underline">
        {t("startsIn", { name })}
      </Link>
      <Link to="/" search={{}} aria-label={t("startsOutside")} title={t("startsOutside")} className="grid size-8 flex-none place-items-center rounded-6 text-muted hover:bg-surface-hover pointer-coarse:size-11">
        <Icon of={X} size={16} />
      </Link>
    </p>
  );
}
