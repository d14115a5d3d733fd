import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Account } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { CheckboxGroup, RadioGroup } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { TextField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { groupsQuery } from "../groups/api";
import { addAccount, changeAccount, isAdministrator, refreshAccounts, rolesAs, type Role, type NewAccount } from "./api";

interface Props {
  /** The account to change; none: a new one. */
  account?: Account;
  onClose: () => void;
  onAdded?: (added: NewAccount) => void;
}

const emailForm = /^\S+@\S+$/;

/** Adds an account, or changes its name and role. */
export function AccountDialog({ account, onClose, onAdded }: Props) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const { t: frame } = useTranslation("frame");
  const client = useQueryClient();
  const words = useErrorTextOf();
  const groups = useQuery(groupsQuery);
  const form = useForm({
    initial: { name: account?.name ?? "", email: account?.email ?? "", role: (account && isAdministrator(account) ? "administrator" : "member") as Role, groupIds: account?.groupIds ?? [] },
    validate: (v) => ({
      name: v.name.trim() ? undefined : common("required"),
      email: account ? undefined : !v.email.trim() ? common("required") : emailForm.test(v.email.trim()) ? undefined : common("emailInvalid"),
    }),
    submit: async (v) => {
      if (account) {
        await changeAccount(account.id, { name: v.name.trim(), roles: rolesAs(v.role, account), groupIds: v.groupIds });
        toast({ text: t("accounts.changed", { name: v.name.trim() }) });
      } else {
        onAdded?.(await addAccount({ name: v.name.trim(), email: v.email.trim(), roles: rolesAs(v.role, account), groupIds: v.groupIds }));
      }
      onClose();
      await refreshAccounts(client);
    },
    fieldError: (err) => ({
      email: err.code === "email_taken" ? words(err).what : err.field === "email" ? common("emailInvalid") : undefined,
      name: err.field === "name" ? common("refused") : undefined,
      role: err.code === "last_administrator" ? words(err).said : undefined,
    }),
  });

  return (
    <Dialog
      title={account ? t("accounts.editTitle", { name: account.name }) : t("accounts.addTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={account ? common("saving") : common("adding")} onPress={() => void form.submit()}>
            {account ? common("save") : t("accounts.addAct")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <TextField {...form.field("name")} label={t("accounts.name")} autoFocus autoComplete="off" />
        {!account && <TextField {...form.field("email")} label={t("accounts.email")} hint={t("accounts.emailHint")} type="email" autoComplete="off" />}
        <RadioGroup<Role>
          label={t("accounts.role")}
          layout="card"
          value={form.values.role}
          onChange={(role) => form.set("role", role)}
          error={form.errors.role}
          options={[
            { value: "member", label: frame("roleMember"), hint: t("accounts.memberHint") },
            { value: "administrator", label: frame("roleAdministrator"), hint: t("accounts.administratorHint") },
          ]}
        />
        {groups.data && groups.data.items.length > 0 && (
          <CheckboxGroup label={t("accounts.groups")} optional value={form.values.groupIds} onChange={(ids) => form.set("groupIds", ids)} options={groups.data.items.map((g) => ({ value: g.id, label: g.name }))} />
        )}
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}
