import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useMe } from "@/features/account/api";
import { permissionKey } from "@/features/account/permission";
import type { Permission } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { CheckboxGroup } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { TextArea, TextField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { addRole, changeRole, refreshRoles, type Role, useRoles } from "./api";
import { byGroup } from "./permission-list";

interface Props {
  /** The role to change; none: a new one. */
  role?: Role;
  /** A role whose permissions a new one begins with. */
  from?: Role;
  onClose: () => void;
  onSaved?: (role: Role) => void;
}

/** Adds a role, or changes what one permits. */
export function RoleDialog({ role, from, onClose, onSaved }: Props) {
  const { t } = useTranslation("people");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const format = useFormats();
  const client = useQueryClient();
  const { account } = useMe();
  const roles = useRoles();
  const known = roles.query.data?.permissions ?? [];
  const scopable = (p: Permission) => known.some((k) => k.action === p && k.scopable);
  const form = useForm({
    initial: {
      name: role?.name ?? (from ? t("roles.copyName", { name: roles.name(from.id) }) : ""),
      description: role?.description ?? "",
      permissions: (role ?? from)?.permissions ?? ([] as Permission[]),
    },
    validate: (v) => ({ name: v.name.trim() ? undefined : common("required"), permissions: v.permissions.length > 0 ? undefined : t("roles.choose") }),
    submit: async (v) => {
      const draft = { name: v.name.trim(), permissions: v.permissions, ...(v.description.trim() && { description: v.description.trim() }) };
      const saved = role ? await changeRole(role.id, draft) : await addRole(draft);
      await refreshRoles(client);
      toast({ text: t("roles.saved", { name: saved.name }) });
      onClose();
      onSaved?.(saved);
    },
    fieldError: (err) => ({
      name: err.field !== "name" ? undefined : err.code === "conflict" ? t("roles.taken") : common("refused"),
      description: err.field === "description" ? common("refused") : undefined,
      permissions: err.field === "permissions" ? t("roles.choose") : err.code === "forbidden" ? t("roles.notCovered") : undefined,
    }),
  });
  return (
    <Dialog
      title={role ? t("roles.editTitle", { name: role.name }) : t("roles.addTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={role ? common("saving") : common("adding")} onPress={() => void form.submit()}>
            {role ? common("save") : t("roles.addAct")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid grid-cols-[minmax(0,1fr)] gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        {role && role.holders > 0 && <Notice>{t("roles.atOnce", { count: role.holders, formatted: format.number(role.holders) })}</Notice>}
        <TextField {...form.field("name")} label={t("roles.name")} autoFocus autoComplete="off" />
        <TextArea {...form.field("description")} label={t("roles.description")} optional hint={t("roles.descriptionHint")} rows={2} />
        <div className="grid gap-4" data-invalid={form.errors.permissions ? "true" : undefined}>
          {byGroup(known.map((k) => k.action).filter((p) => account.permissions.includes(p))).map(({ group, permissions }) => (
            <CheckboxGroup
              key={group}
              label={t(`permissionGroup.${group}`)}
              value={form.values.permissions.filter((p) => permissions.includes(p))}
              onChange={(chosen) => form.set("permissions", [...form.values.permissions.filter((p) => !permissions.includes(p)), ...permissions.filter((p) => chosen.includes(p))])}
              options={permissions.map((p) => ({
                value: p,
                label: t(`permission.${permissionKey(p)}.name`),
                hint: scopable(p) ? t(`permission.${permissionKey(p)}.hint`) : format.facts(t(`permission.${permissionKey(p)}.hint`), t("roles.everywhereOnly")),
              }))}
            />
          ))}
          {form.errors.permissions && (
            <p role="alert" className="text-14 text-danger">
              {form.errors.permissions}
            </p>
          )}
        </div>
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}
