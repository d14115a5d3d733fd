import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Account } from "@/lib/api/types";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Skeleton } from "@/ui/skeleton";
import { TextArea } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { useFormats } from "@/lib/format";
import { accountFactorsQuery, resetFactors } from "../second-factor/api";
import { refreshAccounts } from "./api";

/** What an account proves who it is with beside a password, and the way to take it away from whoever has lost it. */
export function FactorsSection({ account }: { account: Account }) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const format = useFormats();
  const factors = useQuery(accountFactorsQuery(account.id));
  const [asking, setAsking] = useState(false);
  if (factors.isPending) return <Skeleton />;
  if (factors.error) return <ErrorNotice error={factors.error} onRetry={() => void factors.refetch()} />;
  const { totp, passkeys, recoveryCodes } = factors.data;
  const has = [totp && t("accounts.factorApp"), passkeys.length > 0 && t("accounts.factorPasskeys", { count: passkeys.length }), recoveryCodes.total > 0 && t("accounts.factorCodes", { count: recoveryCodes.left })].filter((text) => typeof text === "string");
  return (
    <>
      <p>{has.length > 0 ? format.list(has) : common("none")}</p>
      {has.length > 0 && (
        <Button size="dense" className="mt-3" onPress={() => setAsking(true)}>
          {t("accounts.resetFactors")}
        </Button>
      )}
      {asking && <ResetDialog account={account} onClose={() => setAsking(false)} />}
    </>
  );
}

function ResetDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const client = useQueryClient();
  const form = useForm({
    initial: { reason: "" },
    validate: (v) => ({ reason: v.reason.trim() ? undefined : common("required") }),
    submit: async (v) => {
      await resetFactors(account.id, v.reason.trim());
      await Promise.all([refreshAccounts(client), client.invalidateQueries({ queryKey: accountFactorsQuery(account.id).queryKey })]);
      toast({ text: t("accounts.factorsReset", { name: account.name }) });
      onClose();
    },
  });
  return (
    <Dialog
      title={t("accounts.resetFactorsTitle", { name: account.name })}
      size="small"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="danger" isPending={form.pending} onPress={() => void form.submit()}>
            {t("accounts.resetFactorsAct")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <p className="leading-prose">{t("accounts.resetFactorsBody")}</p>
        <TextArea {...form.field("reason")} label={t("accounts.resetReason")} hint={t("accounts.resetReasonHint")} rows={2} maxLength={500} autoFocus />
      </form>
    </Dialog>
  );
}
