import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Ellipsis, File as FileIcon, FolderX, Paperclip, Pencil, Plus, Trash2, X } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { attachmentUrl, type ConversationSummary, uploadAttachment } from "@/features/chat/api";
import "@/features/chat/chat.css";
import { useLiveEvents } from "@/features/chat/live-events";
import { toApiError } from "@/lib/api/error";
import { useErrorTextOf } from "@/lib/error-text";
import { useFormats } from "@/lib/format";
import { Button, ButtonLink, IconButton } from "@/ui/button";
import { Empty } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { Icon } from "@/ui/icon";
import { Menu, MenuItem } from "@/ui/menu";
import { Page, Scroll, Section } from "@/ui/page";
import { Bar, Skeleton } from "@/ui/skeleton";
import { TextArea } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { useAct } from "@/ui/use-act";
import { useOrganise } from "./acts";
import { type Folder, folderQuery, foldersQuery, listQuery, updateFolder } from "./api";
import { ConversationMenu } from "./conversation-menu";
import { DeleteFolderDialog } from "./delete-folder-dialog";
import { FolderDialog } from "./folder-dialog";
import { RenameField } from "./rename-field";
import { useMore } from "./use-more";

/** A folder: what holds for all its conversations, and these. */
export function FolderPage() {
  const { folderId } = useParams({ from: "/workplace/folders/$folderId" });
  useLiveEvents();
  return <FolderView key={folderId} id={folderId} />;
}

function FolderView({ id }: { id: string }) {
  const { t } = useTranslation("history");
  const folder = useQuery(folderQuery(id));
  const known = useQuery(foldersQuery).data?.items.find((one) => one.id === id);
  const [open, setOpen] = useState<"rename" | "delete" | null>(null);
  const close = () => setOpen(null);

  if (folder.error && toApiError(folder.error).code === "not_found") {
    return (
      <Page title={t("folder")}>
        <Empty
          icon={FolderX}
          title={t("folderNotFound")}
          actions={
            <ButtonLink to="/history" search={{}}>
              {t("all")}
            </ButtonLink>
          }
        >
          {t("folderNotFoundHint")}
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title={folder.data?.name ?? known?.name ?? t("folder")}
      actions={
        <>
          <ButtonLink to="/" search={{ folder: id }} size="dense" tone="primary" icon={Plus}>
            {t("newHere")}
          </ButtonLink>
          {folder.data && (
            <Menu label={t("folderActs")} placement="bottom end" trigger={<IconButton icon={Ellipsis} size="dense" label={t("folderActs")} />}>
              <MenuItem icon={Pencil} onAction={() => setOpen("rename")}>
                {t("rename")}
              </MenuItem>
              <MenuItem icon={Trash2} tone="danger" onAction={() => setOpen("delete")}>
                {t("deleteFolderMenu")}
              </MenuItem>
            </Menu>
          )}
        </>
      }
    >
      <Scroll>
        <div className="mx-auto grid w-full max-w-[49.5rem] grid-cols-[minmax(0,1fr)] px-6 pt-2 pb-16 max-md:px-4">
          {folder.isPending ? (
            <Skeleton className="py-4" />
          ) : folder.error && !folder.data ? (
            <ErrorNotice error={folder.error} onRetry={() => void folder.refetch()} />
          ) : (
            folder.data && (
              <>
                <Conversations id={id} />
                <Instructions folder={folder.data} />
                <Files folder={folder.data} />
              </>
            )
          )}
        </div>
      </Scroll>
      {folder.data && open === "rename" && <FolderDialog folder={folder.data} onClose={close} />}
      {folder.data && open === "delete" && <DeleteFolderDialog folder={folder.data} onClose={close} />}
    </Page>
  );
}

/** Changes a folder and shows it as the server has it then. */
function useChangeFolder(id: string) {
  const client = useQueryClient();
  return async (change: Parameters<typeof updateFolder>[1]) => {
    client.setQueryData<Folder>(folderQuery(id).queryKey, await updateFolder(id, change));
  };
}

function Instructions({ folder }: { folder: Folder }) {
  const { t } = useTranslation("history");
  const { t: common } = useTranslation("common");
  const [text, setText] = useState(folder.instructions);
  const [pending, setPending] = useState(false);
  const act = useAct();
  const change = useChangeFolder(folder.id);
  const changed = text !== folder.instructions;
  const save = async () => {
    setPending(true);
    if (await act(() => change({ instructions: text }))) toast({ text: t("instructionsSaved") });
    setPending(false);
  };
  return (
    <Section title={t("instructions")} hint={t("instructionsHint")}>
      <div className="grid justify-items-start gap-3">
        <div className="w-full">
          <TextArea label={t("instructions")} hideLabel value={text} onChange={setText} rows={4} placeholder={t("instructionsPlaceholder")} />
        </div>
        {changed && (
          <div className="flex gap-2">
            <Button tone="primary" size="dense" isPending={pending} pendingLabel={common("saving")} onPress={() => void save()}>
              {common("save")}
            </Button>
            <Button size="dense" onPress={() => setText(folder.instructions)}>
              {t("discard")}
            </Button>
          </div>
        )}
      </div>
    </Section>
  );
}

interface Upload {
  key: string;
  name: string;
  share: number;
}

function Files({ folder }: { folder: Folder }) {
  const { t } = useTranslation("history");
  const format = useFormats();
  const errorText = useErrorTextOf();
  const act = useAct();
  const change = useChangeFolder(folder.id);
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const [uploads, setUploads] = useState<Upload[]>([]);
  const [refused, setRefused] = useState<readonly { name: string; why: string }[]>([]);

  const idsNow = () => (client.getQueryData<Folder>(folderQuery(folder.id).queryKey)?.files ?? folder.files).map((file) => file.id);
  const add = async (files: File[]) => {
    const waiting = files.map((file, i) => ({ key: `${Date.now()}-${i}`, name: file.name, share: 0, file }));
    setRefused([]);
    setUploads((old) => [...old, ...waiting]);
    for (const { key, name, file } of waiting) {
      try {
        const attachment = await uploadAttachment(file, (share) => setUploads((old) => old.map((one) => (one.key === key ? { ...one, share } : one))), new AbortController().signal);
        await change({ fileIds: [...idsNow(), attachment.id] });
      } catch (error) {
        const why = errorText(toApiError(error)).said;
        setRefused((old) => [...old, { name, why }]);
      }
      setUploads((old) => old.filter((one) => one.key !== key));
    }
  };
  const remove = async (id: string, name: string) => {
    const before = idsNow();
    if (!(await act(() => change({ fileIds: before.filter((one) => one !== id) })))) return;
    toast({ text: t("fileRemoved", { name }) });
  };
  return (
    <Section
      title={t("files")}
      hint={t("filesHint")}
      actions={
        <Button size="dense" icon={Paperclip} onPress={() => input.current?.click()}>
          {t("fileAdd")}
        </Button>
      }
    >
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t("fileAdd")}
        onChange={(event) => {
          void add([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      {folder.files.length === 0 && uploads.length === 0 ? (
        <p className="text-14 text-muted">{t("filesEmpty")}</p>
      ) : (
        <ul className="border-t border-rule">
          {folder.files.map((file) => (
            <li key={file.id} className="flex min-h-row items-center gap-3 border-b border-rule text-14">
              <Icon of={FileIcon} className="text-muted" />
              <a href={attachmentUrl(file.id)} download={file.name} className="min-w-0 flex-1 truncate text-default hover:underline">
                {file.name}
              </a>
              <span className="text-muted tabular-nums">{format.bytes(file.size)}</span>
              <IconButton icon={X} iconSize={16} size="dense" label={t("fileRemove", { name: file.name })} onPress={() => void remove(file.id, file.name)} />
            </li>
          ))}
          {uploads.map((upload) => (
            <li key={upload.key} className="flex min-h-row items-center gap-3 border-b border-rule text-14 text-muted">
              <Icon of={FileIcon} />
              <span className="min-w-0 flex-1 truncate">{upload.name}</span>
              <progress value={upload.share} aria-label={t("fileUploading", { name: upload.name })} className="upload-meter" />
            </li>
          ))}
        </ul>
      )}
      {/* Always there, so that what comes into it is read out. */}
      <div role="status" className="mt-2 grid gap-1 text-14 text-warning empty:hidden">
        {refused.map(({ name, why }, i) => (
          <p key={i}>{t("fileFailed", { name, why })}</p>
        ))}
      </div>
    </Section>
  );
}

function Conversations({ id }: { id: string }) {
  const { t } = useTranslation("history");
  const list = useInfiniteQuery(listQuery({ folder: id }));
  const items = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const more = useMore(list.hasNextPage && !list.isFetchingNextPage && !list.isFetchNextPageError, list.fetchNextPage);
  return (
    <Section title={t("conversations")}>
      {list.isPending ? (
        <Skeleton label={t("loading")} />
      ) : list.error && !list.data ? (
        <ErrorNotice error={list.error} onRetry={() => void list.refetch()} />
      ) : items.length === 0 ? (
        <p className="text-14 leading-prose text-muted">{t("folderEmpty")}</p>
      ) : (
        <ul className="border-t border-rule">
          {items.map((item) => (
            <ConversationRow key={item.id} item={item} />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <div ref={more} className="py-3">
          {list.isFetchNextPageError ? (
            <Button size="dense" onPress={() => void list.fetchNextPage()}>
              {t("loadMore")}
            </Button>
          ) : (
            <Skeleton label={t("loading")}>
              <Bar className="w-2/3" />
            </Skeleton>
          )}
        </div>
      )}
    </Section>
  );
}

function ConversationRow({ item }: { item: ConversationSummary }) {
  const { t } = useTranslation("history");
  const format = useFormats();
  const { change } = useOrganise();
  const [renaming, setRenaming] = useState(false);
  return (
    <li className="flex min-h-row items-center gap-3 border-b border-rule hover:bg-surface-hover">
      {renaming ? (
        <div className="min-w-0 flex-1">
          <RenameField title={item.title} onKeep={(title) => void change(item, { title })} onDone={() => setRenaming(false)} />
        </div>
      ) : (
        <Link to="/c/$conversationId" params={{ conversationId: item.id }} search={{}} className="flex min-h-row min-w-0 flex-1 items-center truncate rounded-4 text-default no-underline">
          <span className="truncate">{item.title}</span>
        </Link>
      )}
      <span className="flex-none text-14 text-muted tabular-nums max-md:hidden">{item.running ? t("writing") : format.near(item.updatedAt)}</span>
      <ConversationMenu item={item} onRename={() => setRenaming(true)} />
    </li>
  );
}
