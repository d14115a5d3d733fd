import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useMay, useMe } from "@/features/account/api";
import type { Account, Permission } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { useForm } from "@/lib/use-form";
import { Button, IconButton, TextButton } from "@/ui/button";
import { Checkbox, CheckboxGroup } from "@/ui/choice";
import { DayField } from "@/ui/day-field";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Select } from "@/ui/select";
import { TextField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { groupsQuery } from "../groups/api";
import { useRoles } from "../roles/api";
import type { Unit } from "../units/api";
import { UnitPicker } from "../units/unit-picker";
import { useUnits } from "../units/unit-tree";
import { addAccount, changeAccount, refreshAccounts, type NewAccount } from "./api";
import { alike, ends, newPost, newRole, postRows, postsOf, roleRows, rolesOf, validOf, validRow, type PostRow, type RoleRow } from "./rows";

interface Props {
  /** The account to change; none: a new one. */
  account?: Account;
  onClose: () => void;
  onAdded?: (added: NewAccount) => void;
}

const emailForm = /^\S+@\S+$/;
const allows = (permission: Permission) => (unit: Unit) => unit.may.includes(permission);

/** What was refused of one row: roles[1].until. */
interface Refusal {
  at: string;
  text: string;
}

/** Adds an account, or changes what it is. Only what was changed is sent: the rest need not be this person's to change. */
export function AccountDialog({ account, onClose, onAdded }: Props) {
  const { t } = useTranslation("admin");
  const { t: people } = useTranslation("people");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const client = useQueryClient();
  const words = useErrorTextOf();
  const me = useMe();
  const mayGroup = useMay("group.write");
  const assigns = useMay("role.assign");
  const mayAssign = account ? account.may.includes("role.assign") : assigns;
  const groups = useQuery({ ...groupsQuery, enabled: mayGroup });
  const units = useUnits();
  const roles = useRoles();
  const [refusal, setRefusal] = useState<Refusal>();
  // Whoever looks after one unit only adds people there, and gives roles there.
  const everywhere = me.account.roles.some((role) => !role.unitId);
  const first = () => newPost(true);

  const form = useForm({
    initial: {
      name: account?.name ?? "",
      email: account?.email ?? "",
      roles: roleRows(account),
      posts: account ? postRows(account) : everywhere ? [] : [first()],
      groupIds: account?.groupIds ?? [],
      valid: validRow(account),
    },
    validate: (v) => ({
      name: v.name.trim() ? undefined : common("required"),
      email: account ? undefined : !v.email.trim() ? common("required") : emailForm.test(v.email.trim()) ? undefined : common("emailInvalid"),
      posts: v.posts.some((post) => !post.unitId || ends(post)) ? " " : !account && !everywhere && v.posts.length === 0 ? people("accounts.needPost") : undefined,
      roles: v.roles.some((role) => ends(role) || (!role.unitId && !everywhere)) ? " " : undefined,
      valid: ends(v.valid) ? people("accounts.endsBefore") : undefined,
    }),
    submit: async (v) => {
      setRefusal(undefined);
      const valid = validOf(v.valid);
      if (account) {
        const changed = {
          ...(v.name.trim() !== account.name && { name: v.name.trim() }),
          ...(!alike(rolesOf(v.roles), rolesOf(roleRows(account))) && { roles: rolesOf(v.roles) }),
          ...(!alike(postsOf(v.posts), postsOf(postRows(account))) && { posts: postsOf(v.posts) }),
          ...(!alike([...v.groupIds].sort(), [...account.groupIds].sort()) && { groupIds: v.groupIds }),
          ...(!alike(valid, validOf(validRow(account))) && { valid }),
        };
        if (Object.keys(changed).length > 0) {
          await changeAccount(account.id, changed);
          toast({ text: t("accounts.changed", { name: v.name.trim() }) });
        }
      } else {
        onAdded?.(
          await addAccount({
            name: v.name.trim(), email: v.email.trim(), roles: rolesOf(v.roles), posts: postsOf(v.posts), groupIds: v.groupIds,
            ...(valid.from && { validFrom: valid.from }), ...(valid.until && { validUntil: valid.until }),
          }),
        );
      }
      onClose();
      await refreshAccounts(client);
    },
    fieldError: (err) => {
      const [, list, part] = /^(roles|posts)(?:\[\d+\]\.(\w+))?$/.exec(err.field) ?? [];
      if (list === "roles" || list === "posts") {
        const text =
          part === "until" ? people("accounts.endsBefore") : part === "unitId" && list === "roles" ? people("accounts.noUnitScope") : part === "roleId" ? people("roleGone") : part === "unitId" ? people("accounts.goneUnit") : people("accounts.twice");
        if (part) setRefusal({ at: err.field, text });
        return { [list]: part ? " " : text };
      }
      if (err.code === "forbidden") return { roles: people("accounts.tooMuch") };
      return {
        email: err.code === "email_taken" ? words(err).what : err.field === "email" ? common("emailInvalid") : undefined,
        name: err.field === "name" ? common("refused") : undefined,
        roles: err.code === "last_administrator" ? words(err).said : undefined,
        valid: err.field === "validUntil" ? people("accounts.endsBefore") : undefined,
      };
    },
  });

  const refused = (at: string) => (refusal?.at === at ? refusal.text : undefined);
  const setRole = (key: number, patch: Partial<RoleRow>) => form.set("roles", form.values.roles.map((role) => (role.key === key ? { ...role, ...patch } : role)));
  const setPost = (key: number, patch: Partial<PostRow>) => form.set("posts", form.values.posts.map((post) => (post.key === key ? { ...post, ...patch } : patch.main ? { ...post, main: false } : post)));
  const tried = form.errors.roles !== undefined || form.errors.posts !== undefined;
  // Nobody is offered the whole organisation by an oversight: a role begins with the unit that the person is in.
  const firstRole = () => {
    const id = (givable.find((r) => r.id === "department_administrator") ?? givable[0])?.id ?? "";
    return newRole(id, roles.scopable(id) ? form.values.posts[0]?.unitId : undefined);
  };
  const givable = roles.items.filter((role) => role.permissions.every((permission) => me.account.permissions.includes(permission)) && (everywhere || roles.scopable(role.id)));

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
      <form {...form.form} className="grid grid-cols-[minmax(0,1fr)] gap-6">
        {form.failure && <ErrorNotice error={form.failure} />}
        <div className="grid gap-4">
          <TextField {...form.field("name")} label={t("accounts.name")} autoFocus autoComplete="off" />
          {!account && <TextField {...form.field("email")} label={t("accounts.email")} hint={t("accounts.emailHint")} type="email" autoComplete="off" />}
        </div>

        <Part title={people("accounts.posts")} error={form.errors.posts}>
          {form.values.posts.map((post, i) => (
            <Box key={post.key} label={people("accounts.postN", { n: i + 1 })} remove={people("accounts.removePost", { n: i + 1 })} onRemove={() => form.set("posts", form.values.posts.filter((p) => p !== post))}>
              <UnitPicker
                label={people("units.one")}
                tree={units.tree}
                only={allows("account.write")}
                value={post.unitId}
                onChange={(unitId) => setPost(post.key, { unitId })}
                error={refused(`posts[${i}].unitId`) ?? (tried && !post.unitId ? people("accounts.needUnit") : undefined)}
              />
              <TextField label={people("accounts.title")} optional value={post.title} onChange={(title) => setPost(post.key, { title })} autoComplete="off" error={refused(`posts[${i}].title`)} />
              {form.values.posts.length > 1 && (
                <Checkbox isSelected={post.main} onChange={(main) => setPost(post.key, { main })}>
                  {people("accounts.mainPost")}
                </Checkbox>
              )}
              <Period row={post} error={refused(`posts[${i}].until`) ?? (ends(post) ? people("accounts.endsBefore") : undefined)} onChange={(patch) => setPost(post.key, patch)} />
            </Box>
          ))}
          <Button size="dense" icon={Plus} className="justify-self-start" onPress={() => form.set("posts", [...form.values.posts, newPost(form.values.posts.length === 0)])}>
            {people("accounts.addPost")}
          </Button>
        </Part>

        {mayAssign ? (
          <Part title={people("accounts.roles")} hint={people("accounts.rolesHint")} error={form.errors.roles}>
            {form.values.roles.map((role, i) => (
              <Box key={role.key} label={people("accounts.roleN", { n: i + 1 })} remove={people("accounts.removeRole", { n: i + 1 })} onRemove={() => form.set("roles", form.values.roles.filter((r) => r !== role))}>
                <Select
                  label={t("accounts.role")}
                  value={role.roleId}
                  onChange={(roleId) => setRole(role.key, { roleId, ...(!roles.scopable(roleId) && { unitId: "" }) })}
                  options={roles.items.filter((r) => r.id === role.roleId || givable.includes(r)).map((r) => ({ value: r.id, label: roles.name(r.id), hint: roles.hint(r.id) }))}
                  error={refused(`roles[${i}].roleId`)}
                />
                {roles.scopable(role.roleId) && (
                  <UnitPicker
                    label={people("accounts.roleWhere")}
                    hint={role.unitId ? people("accounts.roleWhereHint") : undefined}
                    tree={units.tree}
                    only={allows("role.assign")}
                    none={everywhere ? people("units.everywhere") : undefined}
                    value={role.unitId}
                    onChange={(unitId) => setRole(role.key, { unitId })}
                    error={refused(`roles[${i}].unitId`) ?? (tried && !role.unitId && !everywhere ? people("accounts.needUnit") : undefined)}
                  />
                )}
                <Period row={role} error={refused(`roles[${i}].until`) ?? (ends(role) ? people("accounts.endsBefore") : undefined)} onChange={(patch) => setRole(role.key, patch)} />
              </Box>
            ))}
            {givable.length > 0 && (
              <Button size="dense" icon={Plus} className="justify-self-start" onPress={() => form.set("roles", [...form.values.roles, firstRole()])}>
                {people("accounts.addRole")}
              </Button>
            )}
          </Part>
        ) : (
          form.errors.roles && <p className="text-14 text-danger">{form.errors.roles}</p>
        )}

        {groups.data && groups.data.items.some((g) => !g.rule) && (
          <CheckboxGroup label={t("accounts.groups")} optional value={form.values.groupIds} onChange={(ids) => form.set("groupIds", ids)} options={groups.data.items.filter((g) => !g.rule).map((g) => ({ value: g.id, label: g.name }))} />
        )}

        <Part title={people("accounts.validity")} hint={people("accounts.dayHint")} error={form.errors.valid}>
          <div className="grid grid-cols-2 gap-3 max-md:grid-cols-1">
            <DayField label={people("accounts.validFrom")} optional value={form.values.valid.from} onChange={(from) => form.set("valid", { ...form.values.valid, from })} />
            <DayField label={people("accounts.validUntilField")} optional value={form.values.valid.until} onChange={(until) => form.set("valid", { ...form.values.valid, until })} />
          </div>
        </Part>
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}

/** A part of the form with rows of its own. */
function Part({ title, hint, error, children }: { title: string; hint?: string; error?: string | undefined; children: ReactNode }) {
  return (
    <section className="grid grid-cols-[minmax(0,1fr)] gap-3 border-t border-rule pt-4">
      <div>
        <h3 className="text-16">{title}</h3>
        {hint && <p className="text-14 text-muted">{hint}</p>}
      </div>
      {children}
      {error?.trim() && (
        <p role="alert" className="text-14 text-danger">
          {error}
        </p>
      )}
    </section>
  );
}

/** One of several, with the way to take it out. */
function Box({ label, remove, onRemove, children }: { label: string; remove: string; onRemove: () => void; children: ReactNode }) {
  return (
    <div role="group" aria-label={label} className="relative grid grid-cols-[minmax(0,1fr)] gap-3 rounded-8 border border-strong p-4">
      <IconButton icon={X} label={remove} size="dense" iconSize={16} className="absolute! top-1.5 right-1.5" onPress={onRemove} />
      {children}
    </div>
  );
}

/** From which day to which; folded while there is neither. */
function Period({ row, error, onChange }: { row: { from: string; until: string }; error: string | undefined; onChange: (patch: { from?: string; until?: string }) => void }) {
  const { t } = useTranslation("people");
  const [open, setOpen] = useState(Boolean(row.from || row.until));
  if (!open) return <TextButton onPress={() => setOpen(true)} className="justify-self-start text-14">{t("accounts.period")}</TextButton>;
  return (
    <div className="grid grid-cols-2 gap-3 max-md:grid-cols-1">
      <DayField label={t("accounts.from")} optional size="dense" value={row.from} onChange={(from) => onChange({ from })} />
      <DayField label={t("accounts.until")} optional size="dense" value={row.until} onChange={(until) => onChange({ until })} error={error} />
    </div>
  );
}
