import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "@/features/account/api";
import { SessionList } from "@/features/account/session-list";
import type { Account } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { Detail, Details } from "@/ui/details";
import { ConfirmDialog } from "@/ui/dialog";
import { PanelSection, SidePanel } from "@/ui/drawer";
import { ErrorNotice } from "@/ui/error-notice";
import { Skeleton } from "@/ui/skeleton";
import { toast } from "@/ui/toast";
import { useAct } from "@/ui/use-act";
import { groupsQuery } from "../groups/api";
import { AccountDialog } from "./account-dialog";
import { AccountState } from "./account-state";
import { FactorsSection } from "./factors-section";
import { accountSessionsQuery, changeAccount, endSession, endSessions, isAdministrator, refreshAccounts, resetPassword } from "./api";

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
  const { t: frame } = useTranslation("frame");
  const format = useFormats();
  const client = useQueryClient();
  const me = useMe();
  const act = useAct();
  const [asking, setAsking] = useState<"edit" | "disable" | "password" | null>(null);
  const groups = useQuery(groupsQuery);
  const names = groups.data?.items.filter((g) => account.groupIds.includes(g.id)).map((g) => g.name) ?? [];
  const self = me.account.id === account.id;
  const close = () => setAsking(null);

  return (
    <>
      <SidePanel
        title={account.name}
        subtitle={account.email}
        onClose={onClose}
        footer={
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
          </Details>
          <Button size="dense" className="mt-3" onPress={() => setAsking("password")}>
            {t("accounts.resetPassword")}
          </Button>
        </PanelSection>
        <PanelSection title={t("accounts.factors")}>
          <FactorsSection account={account} />
        </PanelSection>
        <PanelSection title={t("accounts.canDo")}>
          <Details>
            <Detail name={t("accounts.role")}>{isAdministrator(account) ? frame("roleAdministrator") : frame("roleMember")}</Detail>
            <Detail name={t("accounts.groups")}>{names.length > 0 ? format.list(names) : common("none")}</Detail>
          </Details>
        </PanelSection>
        <PanelSection title={t("accounts.sessions")}>
          <Sessions account={account} />
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
function Sessions({ account: { id } }: { account: Account }) {
  const { t } = useTranslation("admin");
  const client = useQueryClient();
  const act = useAct();
  const sessions = useQuery(accountSessionsQuery(id));
  if (sessions.isPending) return <Skeleton />;
  if (sessions.error) return <ErrorNotice error={sessions.error} onRetry={() => void sessions.refetch()} />;
  if (sessions.data.items.length === 0) return <p className="text-muted">{t("accounts.noSessions")}</p>;
  return (
    <>
      <SessionList sessions={sessions.data.items} onEnd={(session) => endSession(id, session)} onEnded={() => refreshAccounts(client)} />
      {sessions.data.items.length > 1 && (
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
