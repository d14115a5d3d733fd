import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { matches } from "@/lib/match";
import { Button } from "@/ui/button";
import { RadioGroup } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Skeleton } from "@/ui/skeleton";
import { SearchField } from "@/ui/text-field";
import { foldersQuery } from "./api";
import { FolderDialog } from "./folder-dialog";

interface Props {
  /** What is moved: a title, or how many. */
  what: string;
  folderId: string;
  onClose: () => void;
  onMove: (folderId: string, folderName: string) => unknown;
}

const nowhere = "-";
/** As many as are found by looking. */
const few = 10;

/** Chooses a folder, an existing one or a new one. */
export function MoveDialog({ what, folderId, onClose, onMove }: Props) {
  const { t } = useTranslation("history");
  const { t: ui } = useTranslation("ui");
  const folders = useQuery(foldersQuery);
  const [chosen, setChosen] = useState(folderId || nowhere);
  const [making, setMaking] = useState(false);
  const [words, setWords] = useState("");
  const items = folders.data?.items ?? [];
  const move = (id: string, name: string) => {
    onClose();
    onMove(id, name);
  };
  return (
    <Dialog
      title={t("moveTitle")}
      size="small"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button icon={Plus} tone="quiet" className="mr-auto max-md:basis-full" onPress={() => setMaking(true)}>
            {t("newFolder")}
          </Button>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" onPress={() => move(chosen === nowhere ? "" : chosen, items.find((one) => one.id === chosen)?.name ?? "")}>
            {t("moveAct")}
          </Button>
        </>
      }
    >
      <p className="mb-3 truncate text-14 text-muted">{what}</p>
      {folders.isPending ? (
        <Skeleton />
      ) : folders.error ? (
        <ErrorNotice error={folders.error} onRetry={() => void folders.refetch()} />
      ) : (
        <div className="grid gap-4">
          {items.length > few && <SearchField label={t("folderFind")} value={words} onChange={setWords} />}
          <RadioGroup
            label={t("folder")}
            value={chosen}
            onChange={setChosen}
            options={[{ value: nowhere, label: t("noFolder") }, ...items.filter((one) => one.id === chosen || matches(one.name, words.trim())).map((one) => ({ value: one.id, label: one.name }))]}
          />
        </div>
      )}
      {/* Over this one, which knows where the focus came from. */}
      {making && <FolderDialog onClose={() => setMaking(false)} onSaved={(folder) => move(folder.id, folder.name)} />}
    </Dialog>
  );
}
