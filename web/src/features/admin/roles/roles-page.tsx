import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/account/api";
import { useFormats } from "@/lib/format";
import { Button, TextLink } from "@/ui/button";
import { PanelSection } from "@/ui/drawer";
import type { Column } from "@/ui/table";
import { EntryPanel } from "../entry-panel";
import { ListPage } from "../list-page";
import { deleteRole, refreshRoles, type Role, useRoles } from "./api";
import { PermissionList } from "./permission-list";
import { RoleDialog } from "./role-dialog";

/** What people may do, gathered into roles: those that are built in, and those made here. */
export function RolesPage() {
  const { t } = useTranslation("people");
  const format = useFormats();
  const { id } = useSearch({ from: "/admin/roles" });
  const navigate = useNavigate({ from: "/admin/roles" });
  const roles = useRoles();
  /** A role is being made, perhaps after the pattern of another. */
  const [writing, setWriting] = useState<{ from?: Role }>();
  const current = roles.items.find((r) => r.id === id);
  const open = (next?: string) => void navigate({ search: { id: next } });

  const columns: Column<Role>[] = [
    { id: "name", header: t("roles.name"), cell: (r) => roles.name(r.id), width: "@min-[36rem]:w-64" },
    { id: "description", header: t("roles.description"), cell: (r) => roles.hint(r.id), from: "middle" },
    { id: "permissions", header: t("roles.permissions"), cell: (r) => t("roles.permissionCount", { count: r.permissions.length }), width: "w-36", align: "end", from: "narrow" },
    { id: "holders", header: t("roles.holders"), cell: (r) => t("roles.holderCount", { count: r.holders, formatted: format.number(r.holders) }), width: "w-32", align: "end" },
  ];

  return (
    <ListPage
      title={t("roles.title")}
      query={roles.query}
      columns={columns}
      rowName={(r) => roles.name(r.id)}
      current={id}
      onOpen={open}
      writes="role.write"
      add={
        <Button tone="primary" size="dense" icon={Plus} onPress={() => setWriting({})}>
          {t("roles.add")}
        </Button>
      }
      empty={{ icon: ShieldCheck, title: t("roles.empty"), hint: t("roles.emptyHint") }}
    >
      {current && <RolePanel key={current.id} role={current} onClose={() => open()} onCopy={() => setWriting({ from: current })} />}
      {writing && <RoleDialog {...writing} onClose={() => setWriting(undefined)} onSaved={(r) => open(r.id)} />}
    </ListPage>
  );
}

function RolePanel({ role, onClose, onCopy }: { role: Role; onClose: () => void; onCopy: () => void }) {
  const { t } = useTranslation("people");
  const format = useFormats();
  const client = useQueryClient();
  const roles = useRoles();
  const mayWrite = useMay("role.write");
  const mayPeople = useMay("account.read");
  const name = roles.name(role.id);
  const held = { count: role.holders, formatted: format.number(role.holders) };
  return (
    <EntryPanel
      title={name}
      subtitle={role.builtIn ? t("roles.builtIn") : t("roles.own")}
      onClose={onClose}
      writes="role.write"
      fixed={role.builtIn}
      edit={(close) => <RoleDialog role={role} onClose={close} />}
      deletion={{
        title: t("roles.deleteTitle", { name }),
        consequences: <p>{role.holders > 0 ? t("roles.held", held) : t("roles.deleteBody")}</p>,
        run: async () => {
          await deleteRole(role.id);
          await refreshRoles(client);
        },
        done: t("roles.deleted", { name }),
      }}
    >
      <PanelSection title={t("roles.description")}>
        <p>{roles.hint(role.id) || t("roles.own")}</p>
        {role.builtIn && mayWrite && (
          <>
            <p className="mt-2 text-muted">{t("roles.builtInHint")}</p>
            <Button size="dense" className="mt-3" onPress={onCopy}>
              {t("roles.copy")}
            </Button>
          </>
        )}
      </PanelSection>
      <PanelSection title={t("roles.holders")}>
        <p>{t("roles.holderCount", held)}</p>
        {mayPeople && role.holders > 0 && (
          <p className="mt-1">
            <TextLink to="/admin/accounts" search={{ role: role.id }}>
              {t("roles.showHolders")}
            </TextLink>
          </p>
        )}
      </PanelSection>
      <PanelSection title={t("roles.permissions")}>
        <PermissionList permissions={role.permissions} />
      </PanelSection>
    </EntryPanel>
  );
}
