import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, Users, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/account/api";
import type { Group } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";
import { Button, IconButton, TextLink } from "@/ui/button";
import { PanelSection } from "@/ui/drawer";
import { ErrorNotice } from "@/ui/error-notice";
import { Skeleton } from "@/ui/skeleton";
import type { Column } from "@/ui/table";
import { SearchField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { useAct } from "@/ui/use-act";
import { accountsQuery } from "../accounts/api";
import { EntryPanel } from "../entry-panel";
import { ListPage } from "../list-page";
import { addMember, deleteGroup, groupsQuery, membersQuery, refreshGroups, removeMember } from "./api";
import { GroupDialog } from "./group-dialog";
import { RuleDialog, RuleFacts } from "./rule-fields";

/** Groups of people, to whom models are opened together. */
export function GroupsPage() {
  const { t } = useTranslation("admin");
  const { t: people } = useTranslation("people");
  const format = useFormats();
  const { id } = useSearch({ from: "/admin/groups" });
  const navigate = useNavigate({ from: "/admin/groups" });
  const groups = useQuery(groupsQuery);
  const [adding, setAdding] = useState(false);
  const current = groups.data?.items.find((g) => g.id === id);
  const open = (next?: string) => void navigate({ search: { id: next } });

  const columns: Column<Group>[] = [
    { id: "name", header: t("groups.name"), cell: (g) => g.name },
    { id: "kind", header: people("groups.kind"), cell: (g) => (g.rule ? people("groups.byRule") : people("groups.chosen")), width: "w-44", from: "narrow" },
    { id: "members", header: t("groups.members"), cell: (g) => t("groups.memberCount", { count: g.members, formatted: format.number(g.members) }), width: "w-28", align: "end" },
  ];

  return (
    <ListPage
      title={t("groups.title")}
      query={groups}
      columns={columns}
      rowName={(g) => g.name}
      current={id}
      onOpen={open}
      writes="group.write"
      add={
        <Button tone="primary" size="dense" icon={Plus} onPress={() => setAdding(true)}>
          {t("groups.add")}
        </Button>
      }
      empty={{ icon: Users, title: t("groups.empty"), hint: t("groups.emptyHint") }}
    >
      {current && <GroupPanel key={current.id} group={current} onClose={() => open()} />}
      {adding && <GroupDialog onClose={() => setAdding(false)} onAdded={(g) => open(g.id)} />}
    </ListPage>
  );
}

function GroupPanel({ group, onClose }: { group: Group; onClose: () => void }) {
  const { t } = useTranslation("admin");
  const format = useFormats();
  const { t: people } = useTranslation("people");
  const client = useQueryClient();
  const act = useAct();
  const mayWrite = useMay("group.write");
  const mayPeople = useMay("account.read");
  const [changing, setChanging] = useState(false);
  const members = useQuery({ ...membersQuery(group.id), enabled: mayPeople });

  const put = async (accountId: string) => {
    await addMember(group.id, accountId);
    await refreshGroups(client);
  };

  return (
    <>
    <EntryPanel
      writes="group.write"
      title={group.name}
      subtitle={t("groups.memberCount", { count: group.members, formatted: format.number(group.members) })}
      onClose={onClose}
      edit={(close) => <GroupDialog group={group} onClose={close} />}
      deletion={{
        title: t("groups.deleteTitle", { name: group.name }),
        consequences: t("groups.deleteBody", { count: group.members }),
        run: async () => {
          await deleteGroup(group.id);
          await refreshGroups(client);
        },
        done: t("groups.deleted", { name: group.name }),
      }}
    >
      {group.rule ? (
        <PanelSection title={people("groups.rule")}>
          <RuleFacts rule={group.rule} />
          {mayWrite && (
            <Button size="dense" className="mt-3" onPress={() => setChanging(true)}>
              {people("groups.ruleEdit")}
            </Button>
          )}
        </PanelSection>
      ) : (
        mayWrite && mayPeople && (
          <PanelSection title={t("groups.addMember")}>
            <MemberSearch taken={new Set(members.data?.items.map((m) => m.accountId))} onAdd={(accountId) => void act(() => put(accountId))} />
          </PanelSection>
        )
      )}
      {mayPeople && <PanelSection title={t("groups.members")}>
        {members.isPending ? (
          <Skeleton />
        ) : members.error ? (
          <ErrorNotice error={members.error} onRetry={() => void members.refetch()} />
        ) : members.data.items.length === 0 ? (
          <p className="text-muted">{t("groups.noMembers")}</p>
        ) : (
          <ul className="-mx-2">
            {members.data.items.map((m) => (
              <li key={m.accountId} className="flex min-h-row items-center justify-between gap-2 rounded-6 px-2 py-1.5 hover:bg-surface-hover">
                <span className="min-w-0">
                  <span className="block truncate">{m.name}</span>
                  <span className="block truncate text-muted">{m.email}</span>
                </span>
                {mayWrite && !group.rule && <IconButton
                  icon={X}
                  label={t("groups.removeNamed", { name: m.name })}
                  size="dense"
                  iconSize={16}
                  onPress={() =>
                    void act(async () => {
                      await removeMember(group.id, m.accountId);
                      await refreshGroups(client);
                      toast({ text: t("groups.removed", { name: m.name }), undo: () => void act(() => put(m.accountId)) });
                    })
                  }
                />}
              </li>
            ))}
          </ul>
        )}
        {group.members > (members.data?.items.length ?? group.members) && (
          <p className="mt-2">
            <TextLink to="/admin/accounts" search={{ group: group.id }}>
              {people("groups.moreMembers")}
            </TextLink>
          </p>
        )}
      </PanelSection>}
    </EntryPanel>
    {changing && <RuleDialog group={group} onClose={() => setChanging(false)} />}
    </>
  );
}

function MemberSearch({ taken, onAdd }: { taken: ReadonlySet<string>; onAdd: (accountId: string) => void }) {
  const { t } = useTranslation("admin");
  const [typed, setTyped] = useState("");
  const q = useDebounced(typed.trim());
  const found = useInfiniteQuery({ ...accountsQuery({ q }), enabled: q !== "" });
  const accounts = (found.data?.pages[0]?.items ?? []).filter((a) => !taken.has(a.id)).slice(0, 6);

  return (
    <>
      <SearchField label={t("accounts.search")} placeholder={t("accounts.searchHint")} value={typed} onChange={setTyped} />
      {q !== "" && (
        <ul className="-mx-2 mt-1">
          {accounts.map((a) => (
            <li key={a.id} className="flex min-h-row items-center justify-between gap-2 px-2 py-1.5">
              <span className="min-w-0">
                <span className="block truncate">{a.name}</span>
                <span className="block truncate text-muted">{a.email}</span>
              </span>
              <Button
                size="dense"
                aria-label={t("groups.addNamed", { name: a.name })}
                onPress={() => {
                  onAdd(a.id);
                  setTyped("");
                }}
              >
                {t("groups.addOne")}
              </Button>
            </li>
          ))}
          {found.error && !found.data && (
            <li>
              <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />
            </li>
          )}
          {found.data && !found.isFetching && accounts.length === 0 && <li className="px-2 py-2 text-muted">{t("accounts.noMatch")}</li>}
        </ul>
      )}
    </>
  );
}
