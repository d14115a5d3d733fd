import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { ConfirmDialog, Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { boxClass, boxSizes } from "@/ui/field";
import { cx } from "@/lib/cx";
import { Skeleton } from "@/ui/skeleton";
import { toast } from "@/ui/toast";
import { type Sharing, changeShare, createShare, linkOf, refreshOwnShares, revokeShare, shareQuery, sharesQuery } from "./api";
import { ShareForm, endOf, useShareForm } from "./share-form";
import { useShareWords } from "./words";

interface Props {
  conversation: { id: string; title: string };
  onClose: () => void;
}

const never = "0001-01-01T00:00:00Z";

/** How a conversation is shared: what is there, one more, changes and the end. */
export function ShareDialog({ conversation, onClose }: Props) {
  const { t } = useTranslation("share");
  const { t: common } = useTranslation("common");
  const shares = useQuery(sharesQuery(conversation.id));
  const [editing, setEditing] = useState<Sharing | "new">();
  const [fresh, setFresh] = useState<string>();
  const [emptied, setEmptied] = useState(false);
  const items = shares.data?.items ?? [];

  if (editing !== undefined || (shares.data && items.length === 0 && !emptied)) {
    const first = items.length === 0;
    return (
      <EditDialog
        conversation={conversation}
        share={editing === "new" ? undefined : editing}
        onClose={onClose}
        onBack={first && !emptied ? onClose : () => setEditing(undefined)}
        onDone={(id) => {
          setFresh(id);
          setEditing(undefined);
        }}
      />
    );
  }
  return (
    <Dialog
      title={t("title")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button icon={Plus} onPress={() => setEditing("new")}>
            {items.length > 0 ? t("another") : t("share")}
          </Button>
          <Button tone="primary" onPress={onClose}>
            {common("done")}
          </Button>
        </>
      }
    >
      <p className="mb-3 truncate text-14 text-muted">{conversation.title}</p>
      {shares.isPending ? (
        <Skeleton />
      ) : shares.error && !shares.data ? (
        <ErrorNotice error={shares.error} onRetry={() => void shares.refetch()} />
      ) : items.length === 0 ? (
        <p className="py-4 text-14 text-muted">{t("notShared")}</p>
      ) : (
        <ul aria-label={t("list")} className="grid gap-3">
          {[...items].reverse().map((share) => (
            <ShareCard key={share.id} share={share} fresh={share.id === fresh} onChange={() => setEditing(share)} onRevoked={() => setEmptied(true)} />
          ))}
        </ul>
      )}
    </Dialog>
  );
}

/** Makes a share, or changes one. */
function EditDialog({ conversation, share, onClose, onBack, onDone }: Props & { share: Sharing | undefined; onBack: () => void; onDone: (id: string) => void }) {
  const { t } = useTranslation("share");
  const { t: ui } = useTranslation("ui");
  const { t: common } = useTranslation("common");
  const client = useQueryClient();
  const form = useShareForm(share, async (choice) => {
    const body = {
      everyone: choice.everyone,
      withSystemPrompt: choice.withSystemPrompt,
      accountIds: choice.everyone ? [] : choice.with.people.map((person) => person.id),
      groupIds: choice.everyone ? [] : choice.with.groups.map((group) => group.id),
    };
    const end = endOf(choice, share);
    const saved = share
      ? await changeShare(share.id, { ...body, ...(choice.term !== "asItIs" && { expiresAt: end ?? never }) })
      : await createShare(conversation.id, { ...body, live: choice.live, ...(end && { expiresAt: end }) });
    await refreshOwnShares(client);
    if (share) toast({ text: common("saved") });
    onDone(saved.id);
  });
  return (
    <Dialog
      title={share ? t("changeTitle") : t("newTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onBack}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={t("sharing")} onPress={() => void form.submit()}>
            {share ? common("save") : t("share")}
          </Button>
        </>
      }
    >
      <p className="mb-2 truncate text-14 text-muted">{conversation.title}</p>
      <p className="mb-4 text-14 text-muted">{t("viewOnly")}</p>
      <ShareForm form={form} share={share} />
    </Dialog>
  );
}

/** One share: its link, for whom it is, who has seen it. */
function ShareCard({ share, fresh, onChange, onRevoked }: { share: Sharing; fresh: boolean; onChange: () => void; onRevoked: () => void }) {
  const { t } = useTranslation("share");
  const words = useShareWords();
  const format = useFormats();
  const [asking, setAsking] = useState(false);
  const names = [...(share.with?.groups ?? []), ...(share.with?.people ?? [])].map((one) => one.name);
  const linkId = useId();
  return (
    <li className={cx("grid gap-2 rounded-8 border p-4", fresh ? "border-accent bg-accent-soft" : "border-rule")}>
      {fresh && (
        <p role="status" className="text-14 font-bold">
          {t("created")}
        </p>
      )}
      <div>
        <p className="font-bold">{words.whom(share.everyone, names, names.length)}</p>
        <p className="text-14 text-muted">{format.facts(words.kind(share), share.withSystemPrompt && t("systemPromptToo"))}</p>
        <p className="text-14 text-muted">{words.until(share)}</p>
      </div>
      <div className="flex items-center gap-1">
        <label htmlFor={linkId} className="sr-only">
          {t("link")}
        </label>
        <input id={linkId} readOnly value={linkOf(share.id)} onFocus={(event) => event.target.select()} className={cx(boxClass, boxSizes.dense, "min-w-0 flex-1")} />
        <CopyButton text={linkOf(share.id)} label={t("copyLink")} words={t("copyLink")} />
      </div>
      <div className="flex flex-wrap items-start gap-1">
        <Seen share={share} />
        <span className="ml-auto flex">
          <Button size="dense" tone="quiet" onPress={onChange}>
            {t("change")}
          </Button>
          <Button size="dense" tone="danger-quiet" onPress={() => setAsking(true)}>
            {t("revoke")}
          </Button>
        </span>
      </div>
      <RevokeDialog share={share} isOpen={asking} onClose={() => setAsking(false)} onRevoked={onRevoked} />
    </li>
  );
}

/** Who has seen it, opened on demand. */
function Seen({ share }: { share: Sharing }) {
  const { t } = useTranslation("share");
  const { t: ui } = useTranslation("ui");
  const format = useFormats();
  const [open, setOpen] = useState(false);
  const listId = useId();
  const { data, error, refetch } = useQuery({ ...shareQuery(share.id), enabled: open });
  const count = data?.viewers ?? share.viewers;
  if (count === 0) return <p className="py-2 text-14 text-muted">{t("seenByNobody")}</p>;
  return (
    <>
      <Button size="dense" tone="quiet" className="-ml-3" aria-expanded={open} aria-controls={open ? listId : undefined} onPress={() => setOpen(!open)}>
        {t("seenBy", { count, formatted: format.number(count) })}
      </Button>
      {open && (
        <div id={listId} className="order-last max-h-48 basis-full overflow-y-auto">
          {error && !data ? (
            <ErrorNotice error={error} onRetry={() => void refetch()} />
          ) : data ? (
            <table className="w-full text-14">
              <thead className="sr-only">
                <tr>
                  <th scope="col">{t("name")}</th>
                  <th scope="col">{t("lastSeen")}</th>
                  <th scope="col">{t("times")}</th>
                </tr>
              </thead>
              <tbody>
                {(data.views ?? []).map((view) => (
                  <tr key={view.accountId} className="border-t border-rule first:border-t-0">
                    <td className="py-1.5 pr-3">{view.name}</td>
                    <td className="py-1.5 pr-3 text-right whitespace-nowrap text-muted tabular-nums">{format.near(view.lastAt)}</td>
                    <td className="w-16 py-1.5 text-right whitespace-nowrap text-muted tabular-nums">{t("timesCount", { count: view.count, formatted: format.number(view.count) })}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            <p className="py-1.5 text-14 text-muted">{ui("loading")}</p>
          )}
        </div>
      )}
    </>
  );
}

/** Asks before nobody else can see it any more. */
export function RevokeDialog({ share, isOpen, onClose, onRevoked }: { share: Pick<Sharing, "id" | "title">; isOpen: boolean; onClose: () => void; onRevoked?: () => void }) {
  const { t } = useTranslation("share");
  const client = useQueryClient();
  return (
    <ConfirmDialog
      title={t("revokeTitle", { title: share.title })}
      confirmLabel={t("revoke")}
      isOpen={isOpen}
      onClose={onClose}
      onConfirm={async () => {
        await revokeShare(share.id);
        onRevoked?.();
        toast({ text: t("revoked") });
        void refreshOwnShares(client);
      }}
    >
      <p>{t("revokeBody")}</p>
    </ConfirmDialog>
  );
}
