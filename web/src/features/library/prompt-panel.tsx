import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Ellipsis } from "lucide-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { may, useMe } from "@/features/account/api";
import { draftsOf, newConversation } from "@/features/chat/drafts";
import { useFormats } from "@/lib/format";
import { Button, IconButton } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { Detail, Details } from "@/ui/details";
import { ConfirmDialog } from "@/ui/dialog";
import { PanelSection, SidePanel } from "@/ui/drawer";
import { ErrorNotice } from "@/ui/error-notice";
import { Menu, MenuItem, MenuRule } from "@/ui/menu";
import { Notice } from "@/ui/notice";
import { Skeleton } from "@/ui/skeleton";
import { toast } from "@/ui/toast";
import { useAct } from "@/ui/use-act";
import { type Prompt, type PromptChange, changePrompt, copyPrompt, deletePrompt, promptQuery, refreshPrompts, restoreVersion, versionQuery, versionsQuery } from "./api";
import { PromptDialog } from "./prompt-dialog";
import { usePromptText } from "./use-prompt";
import { useCategoryName } from "./words";

declare module "@tanstack/react-router" {
  interface HistoryState {
    /** What a new conversation begins with. */
    systemPrompt?: string;
  }
}

interface Props {
  id: string;
  onClose: () => void;
  /** Another prompt is to be shown: a copy. */
  onOpen: (id: string) => void;
}

/** One prompt: what it says, and the acts on it. */
export function PromptPanel({ id, onClose, onOpen }: Props) {
  const { t } = useTranslation("library");
  const prompt = useQuery(promptQuery(id));
  if (prompt.data) return <Loaded prompt={prompt.data} onClose={onClose} onOpen={onOpen} />;
  return (
    <SidePanel title={t("title")} onClose={onClose}>
      {prompt.error ? <ErrorNotice error={prompt.error} onRetry={() => void prompt.refetch()} className="mx-6" /> : <Skeleton className="px-6" />}
    </SidePanel>
  );
}

function Loaded({ prompt, onClose, onOpen }: { prompt: Prompt } & Omit<Props, "id">) {
  const { t } = useTranslation("library");
  const { t: common } = useTranslation("common");
  const { account } = useMe();
  const format = useFormats();
  const client = useQueryClient();
  const navigate = useNavigate();
  const act = useAct();
  const categoryName = useCategoryName();
  const [asking, setAsking] = useState<"edit" | "delete" | null>(null);
  const close = () => setAsking(null);
  const { id, name, kind } = prompt;
  const mayHide = may(account, "prompt.hide") && (prompt.official || prompt.visibility !== "private");

  const use = usePromptText(
    t("use"),
    useCallback(
      (text) => {
        if (kind === "system") return void navigate({ to: "/", state: { systemPrompt: text } });
        const drafts = draftsOf(account.id);
        const draft = drafts.get(newConversation);
        drafts.set(newConversation, { text: draft.text.trim() === "" ? text : `${draft.text}\n${text}`, attachments: draft.attachments });
        void navigate({ to: "/" });
      },
      [account.id, kind, navigate],
    ),
  );

  const change = (patch: PromptChange, words: string, back?: PromptChange) =>
    act(async () => {
      client.setQueryData(promptQuery(id).queryKey, await changePrompt(id, patch));
      void refreshPrompts(client);
      toast({ text: words, ...(back && { undo: () => void act(() => changePrompt(id, back).then(() => refreshPrompts(client))) }) });
    });

  return (
    <>
      <SidePanel
        title={name}
        subtitle={format.facts(t(kind === "system" ? "kindSystem" : "kindMessage"), prompt.command && `/${prompt.command}`, prompt.category && categoryName(prompt.category))}
        onClose={onClose}
        footer={
          <>
            <Button tone="primary" size="dense" onPress={() => void use.take(id)}>
              {t("use")}
            </Button>
            <span className="flex items-center gap-1">
              {prompt.editable && (
                <Button size="dense" onPress={() => setAsking("edit")}>
                  {common("edit")}
                </Button>
              )}
              <Menu label={t("acts")} placement="top end" trigger={<IconButton icon={Ellipsis} size="dense" label={t("acts")} />}>
                <MenuItem
                  onAction={() =>
                    void act(async () => {
                      const copy = await copyPrompt(id);
                      void refreshPrompts(client);
                      toast({ text: t("copied") });
                      onOpen(copy.id);
                    })
                  }
                >
                  {t("copyToMine")}
                </MenuItem>
                {prompt.editable && (
                  <MenuItem onAction={() => void change({ archived: !prompt.archived }, t(prompt.archived ? "unarchived" : "archived", { name }), { archived: prompt.archived })}>
                    {t(prompt.archived ? "unarchive" : "archive")}
                  </MenuItem>
                )}
                {mayHide && (
                  <MenuItem onAction={() => void change({ hidden: !prompt.hidden }, t(prompt.hidden ? "shownAgain" : "hiddenDone", { name }), { hidden: prompt.hidden })}>
                    {t(prompt.hidden ? "showAgain" : "hide")}
                  </MenuItem>
                )}
                {prompt.editable && <MenuRule />}
                {prompt.editable && (
                  <MenuItem tone="danger" onAction={() => setAsking("delete")}>
                    {common("delete")}
                  </MenuItem>
                )}
              </Menu>
            </span>
          </>
        }
      >
        <div className="grid gap-3 px-6 pb-4 max-md:px-4">
          {prompt.hidden && <Notice tone="warning">{t("hiddenNotice")}</Notice>}
          {prompt.archived && <Notice>{t("archivedNotice")}</Notice>}
          {prompt.description && <p className="leading-[1.6]">{prompt.description}</p>}
        </div>
        <PanelSection title={t("body")}>
          <PromptText text={prompt.body} />
        </PanelSection>
        <PanelSection title={t("about")}>
          <Details>
            <Detail name={t("owner")}>{prompt.official ? t("official") : prompt.mine ? t("me") : prompt.ownerName}</Detail>
            <Detail name={t("visibility")}>{t(`visible.${prompt.visibility}`)}</Detail>
            {prompt.variables.length > 0 && <Detail name={t("variables")}>{format.list(prompt.variables.map((v) => v.name))}</Detail>}
            <Detail name={t("uses")}>{t("usesValue", { all: format.number(prompt.uses), mine: format.number(prompt.myUses) })}</Detail>
            <Detail name={t("updatedAt")}>{format.near(prompt.updatedAt)}</Detail>
          </Details>
        </PanelSection>
        {prompt.editable && <Versions prompt={prompt} />}
      </SidePanel>
      {use.dialog}
      {asking === "edit" && <PromptDialog prompt={prompt} onClose={close} onSaved={() => toast({ text: common("saved") })} />}
      <ConfirmDialog
        title={t("deleteTitle", { name })}
        confirmLabel={common("delete")}
        isOpen={asking === "delete"}
        onClose={close}
        onConfirm={async () => {
          await deletePrompt(id);
          onClose();
          client.removeQueries({ queryKey: promptQuery(id).queryKey });
          void refreshPrompts(client);
          toast({ text: t("deleted", { name }) });
        }}
      >
        <p>{t(prompt.visibility === "private" ? "deleteBody" : "deleteBodyShared")}</p>
      </ConfirmDialog>
    </>
  );
}

/** A text with its variables set apart. */
function PromptText({ text }: { text: string }) {
  const { t } = useTranslation("library");
  return (
    <div className="grid gap-1">
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it */}
      <div role="region" tabIndex={0} aria-label={t("body")} className="max-h-80 overflow-auto rounded-8 bg-surface-raised px-3 py-2 leading-prose [overflow-wrap:anywhere] whitespace-pre-wrap">
        {text.split(/((?<!\\)\{\{[^{}\n]*\}\})/).map((piece, i) => (i % 2 === 1 ? <b key={i}>{piece}</b> : piece))}
      </div>
      <span className="justify-self-end">
        <CopyButton text={text} label={t("copyBody")} words={t("copy")} />
      </span>
    </div>
  );
}

function Versions({ prompt }: { prompt: Prompt }) {
  const { t } = useTranslation("library");
  const { t: ui } = useTranslation("ui");
  const format = useFormats();
  const client = useQueryClient();
  const act = useAct();
  const versions = useInfiniteQuery(versionsQuery(prompt.id));
  const [open, setOpen] = useState<number>();
  const items = versions.data?.pages.flatMap((p) => p.items) ?? [];
  const restore = (n: number) =>
    act(async () => {
      client.setQueryData(promptQuery(prompt.id).queryKey, await restoreVersion(prompt.id, n));
      void refreshPrompts(client);
      setOpen(undefined);
      toast({ text: t("restored", { number: n }) });
    });
  return (
    <PanelSection title={t("versions")}>
      {versions.error && <ErrorNotice error={versions.error} onRetry={() => void versions.refetch()} />}
      <ol className="grid">
        {items.map((v) => (
          <li key={v.number} className="border-b border-rule py-2 last:border-b-0">
            <div className="flex items-start justify-between gap-2">
              <span className="min-w-0">
                <span className="block">
                  <b className="tabular-nums">{t("versionNumber", { number: v.number })}</b>
                  {v.number === prompt.version && <span className="ml-2 text-muted">{t("versionNow")}</span>}
                </span>
                <span className="block text-muted">{format.facts(format.near(v.createdAt), v.authorName, v.restoredFrom ? t("restoredFrom", { number: v.restoredFrom }) : undefined)}</span>
                {v.note && <span className="block">{v.note}</span>}
              </span>
              {v.number !== prompt.version && (
                <Button tone="quiet" size="dense" aria-expanded={open === v.number} aria-label={t("versionShow", { number: v.number })} onPress={() => setOpen(open === v.number ? undefined : v.number)}>
                  {t(open === v.number ? "fold" : "see")}
                </Button>
              )}
            </div>
            {open === v.number && (
              <div className="mt-2 grid gap-2">
                <VersionText id={prompt.id} n={v.number} />
                <Button size="dense" className="justify-self-start" onPress={() => void restore(v.number)}>
                  {t("restore")}
                </Button>
              </div>
            )}
          </li>
        ))}
      </ol>
      {versions.hasNextPage && (
        <Button tone="quiet" size="dense" isPending={versions.isFetchingNextPage} onPress={() => void versions.fetchNextPage()}>
          {ui("loadMore")}
        </Button>
      )}
    </PanelSection>
  );
}

function VersionText({ id, n }: { id: string; n: number }) {
  const version = useQuery(versionQuery(id, n));
  if (version.error) return <ErrorNotice error={version.error} onRetry={() => void version.refetch()} />;
  return version.data ? <PromptText text={version.data.body ?? ""} /> : <Skeleton />;
}
