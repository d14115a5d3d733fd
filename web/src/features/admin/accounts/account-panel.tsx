import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay, useMe } from "@/features/account/api";
import { SessionList } from "@/features/account/session-list";
import type { Account } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { Detail, Details } from "@/ui/details";
import { ConfirmDialog } from "@/ui/dialog";
import { Disclosure } from "@/ui/disclosure";
import { PanelSection, SidePanel } from "@/ui/drawer";
import { ErrorNotice } from "@/ui/error-notice";
import { Skeleton } from "@/ui/skeleton";
import { Badge } from "@/ui/state";
import { toast } from "@/ui/toast";
import { useAct } from "@/ui/use-act";
import { groupsQuery } from "../groups/api";
import { useRoles } from "../roles/api";
import { useSpanText } from "../units/span-text";
import { useUnits } from "../units/unit-tree";
import { AccountDialog } from "./account-dialog";
import { AccountState } from "./account-state";
import { FactorsSection } from "./factors-section";
import { accountSessionsQuery, changeAccount, endSession, endSessions, holds, isPast, refreshAccounts, resetPassword, type Held, type Post } from "./api";

interface Props {
  account: Account;
  onClose: () => void;
  /** A new temporary password is to be shown. */
  onPassword: (password: string) => void;
}

/** One account: how it gets in, what it may do, and the acts on it. */
export function AccountPanel({ account, onClose, onPassword }: Props) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const { t: people } = useTranslation("people");
  const format = useFormats();
  const client = useQueryClient();
  const me = useMe();
  const act = useAct();
  const [asking, setAsking] = useState<"edit" | "disable" | "password" | null>(null);
  const groups = useQuery({ ...groupsQuery, enabled: useMay("group.read") });
  const roles = useRoles();
  const span = useSpanText();
  const names = groups.data?.items.filter((g) => account.groupIds.includes(g.id)).map((g) => g.name) ?? [];
  const self = me.account.id === account.id;
  const mayWrite = useMay("account.write");
  const close = () => setAsking(null);
  const writable = account.may.includes("account.write");
  const held = account.roles.filter((role) => !isPast(role));
  const valid = span({ from: account.validFrom, until: account.validUntil });

  return (
    <>
      <SidePanel
        title={account.name}
        subtitle={account.email}
        onClose={onClose}
        footer={
          writable && (
          <>
            <Button size="dense" onPress={() => setAsking("edit")}>
              {common("edit")}
            </Button>
            {account.disabled ? (
              <Button
                tone="quiet"
                size="dense"
                onPress={() =>
                  void act(async () => {
                    await changeAccount(account.id, { disabled: false });
                    await refreshAccounts(client);
                    toast({ text: t("accounts.enabled", { name: account.name }) });
                  })
                }
              >
                {t("accounts.enable")}
              </Button>
            ) : (
              <Button tone="danger-quiet" size="dense" disabledReason={self && t("accounts.notYourself")} onPress={() => setAsking("disable")}>
                {t("accounts.disable")}
              </Button>
            )}
          </>
          )
        }
      >
        <PanelSection title={t("accounts.howIn")}>
          <Details>
            <Detail name={t("accounts.state")}>
              <AccountState account={account} />
            </Detail>
            <Detail name={t("accounts.signIn")}>{t("accounts.byPassword")}</Detail>
            <Detail name={t("accounts.lastSeen")}>{account.lastSignedInAt ? format.dateTime(account.lastSignedInAt) : t("accounts.notYet")}</Detail>
            <Detail name={t("accounts.created")}>{format.date(account.createdAt)}</Detail>
            {valid && <Detail name={people("accounts.validity")}>{valid}</Detail>}
          </Details>
          {writable && !self && <Button size="dense" className="mt-3" onPress={() => setAsking("password")}>
            {t("accounts.resetPassword")}
          </Button>}
        </PanelSection>
        <PanelSection title={people("accounts.posts")}>
          <Posts posts={account.posts} />
        </PanelSection>
        <PanelSection title={t("accounts.factors")}>
          <FactorsSection account={account} />
        </PanelSection>
        <PanelSection title={t("accounts.canDo")}>
          <Details>
            <Detail name={t("accounts.role")}>
              {held.length === 0 ? (
                people("role.member")
              ) : (
                <ul className="grid gap-1">
                  {held.map((role, i) => (
                    <li key={i}>
                      <RoleLine held={role} name={roles.name(role.roleId)} />
                    </li>
                  ))}
                </ul>
              )}
            </Detail>
            <Detail name={t("accounts.groups")}>{names.length > 0 ? format.list(names) : common("none")}</Detail>
          </Details>
          {!writable && mayWrite && <p className="mt-3 text-muted">{people("accounts.readOnly")}</p>}
        </PanelSection>
        <PanelSection title={t("accounts.sessions")}>
          <Sessions account={account} writable={writable} />
        </PanelSection>
      </SidePanel>
      {asking === "edit" && <AccountDialog account={account} onClose={close} />}
      <ConfirmDialog
        title={t("accounts.disableTitle", { name: account.name })}
        confirmLabel={t("accounts.disable")}
        isOpen={asking === "disable"}
        onClose={close}
        onConfirm={async () => {
          await changeAccount(account.id, { disabled: true });
          await refreshAccounts(client);
          toast({ text: t("accounts.disabledOne", { name: account.name }) });
        }}
      >
        <p>{t("accounts.disableBody")}</p>
      </ConfirmDialog>
      <ConfirmDialog
        title={t("accounts.resetTitle", { name: account.name })}
        confirmLabel={t("accounts.resetAct")}
        tone="primary"
        isOpen={asking === "password"}
        onClose={close}
        onConfirm={async () => {
          const { temporaryPassword } = await resetPassword(account.id);
          onPassword(temporaryPassword);
          await refreshAccounts(client);
        }}
      >
        <p>{t("accounts.resetBody")}</p>
      </ConfirmDialog>
    </>
  );
}

/** Where the account is signed in. */
function Sessions({ account: { id }, writable }: { account: Account; writable: boolean }) {
  const { t } = useTranslation("admin");
  const client = useQueryClient();
  const act = useAct();
  const sessions = useQuery(accountSessionsQuery(id));
  if (sessions.isPending) return <Skeleton />;
  if (sessions.error) return <ErrorNotice error={sessions.error} onRetry={() => void sessions.refetch()} />;
  if (sessions.data.items.length === 0) return <p className="text-muted">{t("accounts.noSessions")}</p>;
  return (
    <>
      <SessionList sessions={sessions.data.items} onEnd={writable ? (session) => endSession(id, session) : undefined} onEnded={() => refreshAccounts(client)} />
      {writable && sessions.data.items.length > 1 && (
        <Button
          size="dense"
          className="mt-3"
          onPress={() =>
            void act(async () => {
              await endSessions(id);
              await refreshAccounts(client);
              toast({ text: t("accounts.sessionsEnded", { count: 1 }) });
            })
          }
        >
          {t("accounts.endAll")}
        </Button>
      )}
    </>
  );
}

/** A role as somebody holds it: where, and until when. */
function RoleLine({ held, name }: { held: Held; name: string }) {
  const { t } = useTranslation("people");
  const units = useUnits();
  const span = useSpanText()(held);
  return (
    <>
      {name}
      {held.unitId && <span className="block text-muted">{t("accounts.withBelow", { name: units.path(held.unitId) })}</span>}
      {span && <span className="block text-muted">{span}</span>}
    </>
  );
}

/** What somebody is in the organisation: now and later, and folded what was. */
function Posts({ posts }: { posts: Post[] }) {
  const { t } = useTranslation("people");
  const [open, setOpen] = useState(false);
  const past = posts.filter((post) => isPast(post));
  const rest = posts.filter((post) => !isPast(post));
  return (
    <>
      {rest.length === 0 && <p className="text-muted">{t("accounts.noPost")}</p>}
      <ul className="grid gap-2">
        {rest.map((post, i) => (
          <li key={i}>
            <PostLine post={post} />
          </li>
        ))}
      </ul>
      {past.length > 0 && (
        <Disclosure title={t("accounts.pastPosts", { count: past.length })} isOpen={open} onToggle={setOpen}>
          <ul className="grid gap-2">
            {past.map((post, i) => (
              <li key={i}>
                <PostLine post={post} />
              </li>
            ))}
          </ul>
        </Disclosure>
      )}
    </>
  );
}

function PostLine({ post }: { post: Post }) {
  const { t } = useTranslation("people");
  const units = useUnits();
  const span = useSpanText()(post);
  const kind = isPast(post) ? undefined : !holds(post) ? t("accounts.plannedPost") : post.main ? undefined : t("accounts.otherPost");
  return (
    <>
      <span className="flex flex-wrap items-baseline gap-x-2">
        {units.path(post.unitId)}
        {post.title && <b>{post.title}</b>}
        {kind && <Badge>{kind}</Badge>}
      </span>
      {span && <span className="block text-muted">{span}</span>}
    </>
  );
}
