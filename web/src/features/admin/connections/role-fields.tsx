import { ArrowDown, ArrowUp, Plus, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { announce } from "@/lib/announce";
import { Button, IconButton } from "@/ui/button";
import { Checkbox } from "@/ui/choice";
import { Disclosure } from "@/ui/disclosure";
import { Combobox } from "@/ui/select";
import { NumberField, TextField } from "@/ui/text-field";
import { emptyRole, maxRoles, type RoleForm } from "./draft";
import type { ConnectionForm } from "./use-connection-form";

/** The same in every language. */
const examples = { arn: "arn:aws:iam::123456789012:role/kakoi-bedrock", session: "kakoi", identity: "{email}", tag: "department", value: "{group}" };

/** Minutes that the credentials of a role may last: the first, and those that another role assumes. */
const longest = { first: 720, chained: 60 };

/** The roles that a connection assumes, one after the other. */
export function RoleFields({ form, regions }: { form: ConnectionForm; regions: string[] }) {
  const { t } = useTranslation("admin");
  const { roles, credentials } = form.values;
  const place = (from: number, to: number) => {
    const next = [...roles];
    const [moved] = next.splice(from, 1);
    if (!moved) return;
    next.splice(to, 0, moved);
    form.setRoles(next);
    announce(t("connections.roleMoved", { n: to + 1 }));
  };
  return (
    <fieldset className="grid gap-3">
      <legend className="mb-1 font-bold">{t("connections.roles")}</legend>
      <p className="text-14 text-muted">{credentials === "bearer" ? t("connections.rolesBearer") : t("connections.rolesHint")}</p>
      {credentials !== "bearer" && (
        <>
          {roles.map((role, at) => (
            <Role
              key={at}
              role={role}
              at={at}
              last={at === roles.length - 1}
              regions={regions}
              error={(field) => form.roleErrors.find((e) => e.at === at && e.field === field)?.text}
              onChange={(patch) => form.setRoles(roles.map((r, i) => (i === at ? { ...r, ...patch } : r)))}
              onMove={(to) => place(at, to)}
              onRemove={() => form.setRoles(roles.filter((_, i) => i !== at))}
            />
          ))}
          {form.errors.roles && form.roleErrors.length === 0 && (
            <p role="alert" className="text-14 text-danger">
              {form.errors.roles}
            </p>
          )}
          <Button
            size="dense"
            icon={Plus}
            className="justify-self-start"
            disabledReason={roles.length >= maxRoles && t("connections.rolesMany", { max: maxRoles })}
            onPress={() => form.setRoles([...roles, emptyRole])}
          >
            {t("connections.roleAdd")}
          </Button>
        </>
      )}
    </fieldset>
  );
}

interface RoleProps {
  role: RoleForm;
  at: number;
  last: boolean;
  regions: string[];
  error: (field: keyof RoleForm) => string | undefined;
  onChange: (patch: Partial<RoleForm>) => void;
  onMove: (to: number) => void;
  onRemove: () => void;
}

function Role({ role, at, last, regions, error, onChange, onMove, onRemove }: RoleProps) {
  const { t } = useTranslation("admin");
  const n = at + 1;
  const unusual = role.region + role.endpoint + role.sessionName + role.sourceIdentity !== "" || role.tags.length > 0 || !Number.isNaN(role.minutes);
  const [opened, setOpen] = useState(unusual);
  // What is wrong is not hidden.
  const open = opened || (["region", "endpoint", "minutes", "sessionName", "sourceIdentity", "tags"] as const).some((field) => error(field));
  const setTag = (i: number, patch: Partial<RoleForm["tags"][number]>) => onChange({ tags: role.tags.map((tag, j) => (j === i ? { ...tag, ...patch } : tag)) });
  return (
    <div role="group" aria-label={t("connections.roleNth", { n })} className="grid gap-4 rounded-8 border border-rule px-4 py-3">
      <div className="flex items-center justify-between">
        <p className="text-14 font-bold">{t("connections.roleNth", { n })}</p>
        <span className="flex">
          <IconButton icon={ArrowUp} label={t("connections.roleUp", { n })} size="dense" iconSize={16} disabledReason={at === 0 && t("connections.roleFirst")} onPress={() => onMove(at - 1)} />
          <IconButton icon={ArrowDown} label={t("connections.roleDown", { n })} size="dense" iconSize={16} disabledReason={last && t("connections.roleLast")} onPress={() => onMove(at + 1)} />
          <IconButton icon={X} label={t("connections.roleRemove", { n })} size="dense" iconSize={16} onPress={onRemove} />
        </span>
      </div>
      <TextField label={t("connections.roleArn")} value={role.arn} onChange={(arn) => onChange({ arn })} error={error("arn")} placeholder={examples.arn} mono autoComplete="off" />
      <TextField label={t("connections.externalId")} hint={t("connections.externalIdHint")} optional value={role.externalId} onChange={(externalId) => onChange({ externalId })} error={error("externalId")} mono autoComplete="off" />
      <Disclosure title={t("connections.roleMore")} isOpen={open} onToggle={setOpen}>
        <div className="grid items-start gap-4 md:grid-cols-2">
          <Combobox label={t("connections.roleRegion")} hint={t("connections.roleRegionHint")} optional value={role.region} onChange={(region) => onChange({ region })} error={error("region")} options={regions.map((r) => ({ value: r, label: r }))} />
          <NumberField
            label={t("connections.duration")}
            hint={t(at === 0 ? "connections.durationHint" : "connections.durationChained")}
            optional
            unit={t("connections.durationUnit")}
            value={role.minutes}
            onChange={(minutes) => onChange({ minutes })}
            error={error("minutes")}
            min={15}
            max={at === 0 ? longest.first : longest.chained}
            fractionDigits={2}
          />
        </div>
        <TextField label={t("connections.roleEndpoint")} optional value={role.endpoint} onChange={(endpoint) => onChange({ endpoint })} error={error("endpoint")} type="url" mono autoComplete="off" />
        <div className="grid items-start gap-4 md:grid-cols-2">
          <TextField label={t("connections.sessionName")} optional value={role.sessionName} onChange={(sessionName) => onChange({ sessionName })} error={error("sessionName")} placeholder={examples.session} mono autoComplete="off" />
          <TextField label={t("connections.sourceIdentity")} optional value={role.sourceIdentity} onChange={(sourceIdentity) => onChange({ sourceIdentity })} error={error("sourceIdentity")} placeholder={examples.identity} mono autoComplete="off" />
        </div>
        <fieldset className="grid gap-2">
          <legend className="mb-1.5 font-bold">{t("connections.tags")}</legend>
          {role.tags.map((tag, i) => (
            <div key={i} className="grid grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)_auto] items-center gap-2">
              <TextField label={t("connections.tagName", { n: i + 1 })} hideLabel size="dense" placeholder={examples.tag} value={tag.name} onChange={(name) => setTag(i, { name })} mono autoComplete="off" />
              <TextField label={t("connections.tagValue", { n: i + 1 })} hideLabel size="dense" placeholder={examples.value} value={tag.value} onChange={(value) => setTag(i, { value })} mono autoComplete="off" />
              <IconButton icon={X} label={t("connections.tagRemove", { n: i + 1 })} size="dense" onPress={() => onChange({ tags: role.tags.filter((_, j) => j !== i) })} />
            </div>
          ))}
          {error("tags") && (
            <p role="alert" className="text-14 text-danger">
              {error("tags")}
            </p>
          )}
          <Button size="dense" icon={Plus} className="justify-self-start" onPress={() => onChange({ tags: [...role.tags, { name: "", value: "" }] })}>
            {t("connections.tagAdd")}
          </Button>
          {role.tags.length > 0 && (
            <Checkbox isSelected={role.transitiveTags} onChange={(transitiveTags) => onChange({ transitiveTags })}>
              <span className="text-14">{t("connections.transitiveTags")}</span>
            </Checkbox>
          )}
        </fieldset>
        <p className="text-14 text-muted">{t("connections.callerHint")}</p>
      </Disclosure>
    </div>
  );
}
