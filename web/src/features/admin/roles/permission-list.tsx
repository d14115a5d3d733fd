import { useTranslation } from "react-i18next";
import { permissionKey } from "@/features/account/permission";
import type { Permission } from "@/lib/api/types";

/** The permissions by what they are about, in the order in which they are read. A new one is put here, or the types say that it is missing. */
const groupOf: Record<Permission, "people" | "models" | "content" | "system"> = {
  "account.read": "people",
  "account.write": "people",
  "account.reset_second_factor": "people",
  "role.assign": "people",
  "organisation.read": "people",
  "organisation.write": "people",
  "group.read": "people",
  "group.write": "people",
  "role.read": "people",
  "role.write": "people",
  "connection.read": "models",
  "connection.write": "models",
  "model.read": "models",
  "model.write": "models",
  "prompt.create_official": "content",
  "prompt.hide": "content",
  "feedback.read": "content",
  "audit_event.read": "system",
  "system.read": "system",
  "system.write": "system",
  "system.write_sign_in": "system",
  "system.export_evidence": "system",
};

/** The permissions of a list, by what they are about. */
export function byGroup(permissions: readonly Permission[]) {
  const all = (Object.keys(groupOf) as Permission[]).filter((p) => permissions.includes(p));
  return (["people", "models", "content", "system"] as const).map((group) => ({ group, permissions: all.filter((p) => groupOf[p] === group) })).filter((g) => g.permissions.length > 0);
}

/** What a role permits, in plain words. */
export function PermissionList({ permissions }: { permissions: readonly Permission[] }) {
  const { t } = useTranslation("people");
  return (
    <div className="grid gap-4">
      {byGroup(permissions).map(({ group, permissions: some }) => (
        <section key={group}>
          <h4 className="mb-1 text-14 font-normal text-muted">{t(`permissionGroup.${group}`)}</h4>
          <ul className="grid gap-2">
            {some.map((p) => (
              <li key={p}>
                <b>{t(`permission.${permissionKey(p)}.name`)}</b>
                <span className="block text-muted">{t(`permission.${permissionKey(p)}.hint`)}</span>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
