import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { UserPlus, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "@/features/account/api";
import type { Account } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";
import { Button, IconButton } from "@/ui/button";
import { FilterChip } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/dialog";
import { Empty, NoMatch } from "@/ui/empty";
import { Page } from "@/ui/page";
import { More, Table, type Column } from "@/ui/table";
import { SearchField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { useAct } from "@/ui/use-act";
import { groupsQuery } from "../groups/api";
import { AccountDialog } from "./account-dialog";
import { AccountPanel } from "./account-panel";
import { AccountState } from "./account-state";
import { accountsQuery, changeAccount, endSessions, isAdministrator, refreshAccounts } from "./api";
import { TemporaryPassword } from "./temporary-password";

/** Who may come in, and as what. */
export function AccountsPage() {
  const { t } = useTranslation("admin");
  const { t: frame } = useTranslation("frame");
  const format = useFormats();
  const client = useQueryClient();
  const act = useAct();
  const me = useMe();
  const search = useSearch({ from: "/admin/accounts" });
  const navigate = useNavigate({ from: "/admin/accounts" });
  const [typed, setTyped] = useState(search.q ?? "");
  const q = useDebounced(typed.trim());
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [adding, setAdding] = useState(false);
  const [stopping, setStopping] = useState(false);
  const [password, setPassword] = useState<{ name: string; password: string } | null>(null);

  useEffect(() => {
    if ((search.q ?? "") !== q) void navigate({ search: (old) => ({ ...old, q: q || undefined }), replace: true });
  }, [q, search.q, navigate]);

  const { id, ...filter } = search;
  const filtered = Boolean(filter.q || filter.state || filter.role || filter.group);
  const accounts = useInfiniteQuery(accountsQuery(filter));
  const groups = useQuery(groupsQuery);
  const rows = accounts.data?.pages.flatMap((p) => p.items) ?? [];
  const current = rows.find((a) => a.id === id);
  const chosen = rows.filter((a) => selected.has(a.id));

  const narrow = (patch: Partial<typeof search>) => void navigate({ search: (old) => ({ ...old, ...patch }), replace: true });
  const open = (next?: string) => void navigate({ search: (old) => ({ ...old, id: next }) });

  const columns: Column<Account>[] = [
    { id: "name", header: t("accounts.name"), cell: (a) => a.name, width: "@min-[36rem]:w-56" },
    { id: "email", header: t("accounts.email"), cell: (a) => a.email, from: "middle" },
    { id: "role", header: t("accounts.role"), cell: (a) => (isAdministrator(a) ? frame("roleAdministrator") : frame("roleMember")), width: "w-34", from: "narrow" },
    { id: "state", header: t("accounts.state"), cell: (a) => <AccountState account={a} />, width: "w-44 @max-[36rem]:w-36" },
    { id: "lastSeen", header: t("accounts.lastSeen"), cell: (a) => (a.lastSignedInAt ? format.near(a.lastSignedInAt) : t("accounts.notYet")), width: "w-36", align: "end", from: "narrow" },
  ];

  // How many there are in all is known without a filter; with one, only once the last page is here.
  const count = accounts.hasNextPage ? (filtered ? undefined : accounts.data?.pages[0]?.counts?.total) : rows.length;

  return (
    <div className="flex min-h-0 flex-1">
      <Page
        title={t("accounts.title")}
        aside={count !== undefined && !accounts.isPending ? t("accounts.count", { count: count, formatted: format.number(count) }) : undefined}
        actions={
          <Button tone="primary" size="dense" icon={UserPlus} onPress={() => setAdding(true)}>
            {t("accounts.add")}
          </Button>
        }
      >
        <div className="flex flex-none flex-wrap items-center gap-2 px-6 pb-3 max-md:px-4">
          <SearchField label={t("accounts.search")} placeholder={t("accounts.searchHint")} value={typed} onChange={setTyped} className="w-56 max-md:w-full" />
          <FilterChip
            label={t("accounts.state")}
            value={filter.state ?? ""}
            onChange={(state) => narrow({ state: state || undefined })}
            options={[
              { value: "active", label: t("accounts.active") },
              { value: "disabled", label: t("accounts.disabled") },
            ]}
          />
          <FilterChip
            label={t("accounts.role")}
            value={filter.role ?? ""}
            onChange={(role) => narrow({ role: role || undefined })}
            options={[
              { value: "administrator", label: frame("roleAdministrator") },
            ]}
          />
          {groups.data && groups.data.items.length > 0 && (
            <FilterChip label={t("accounts.group")} value={filter.group ?? ""} onChange={(group) => narrow({ group: group || undefined })} options={groups.data.items.map((g) => ({ value: g.id, label: g.name }))} />
          )}
        </div>
        {chosen.length > 0 && (
          <div role="region" aria-label={t("accounts.bulk")} className="flex min-h-11 flex-none flex-wrap items-center gap-x-1 bg-surface-selected px-6 text-14 max-md:gap-x-0 max-md:pr-1 max-md:pl-4">
            <b className="mr-3 tabular-nums max-md:mr-1">{t("accounts.selected", { count: chosen.length })}</b>
            <Button
              tone="quiet"
              size="dense"
              onPress={() =>
                void act(async () => {
                  await Promise.all(chosen.map((a) => endSessions(a.id)));
                  await refreshAccounts(client);
                  toast({ text: t("accounts.sessionsEnded", { count: chosen.length }) });
                  setSelected(new Set());
                })
              }
            >
              {t("accounts.endSessions")}
            </Button>
            <Button tone="danger-quiet" size="dense" disabledReason={chosen.some((a) => a.id === me.account.id) && t("accounts.notYourself")} onPress={() => setStopping(true)}>
              {t("accounts.disable")}
            </Button>
            <IconButton icon={X} label={t("accounts.clearSelection")} size="dense" className="ml-auto" onPress={() => setSelected(new Set())} />
          </div>
        )}
        <Table
          label={t("accounts.title")}
          className="flex-1"
          columns={columns}
          rows={rows}
          rowKey={(a) => a.id}
          rowName={(a) => a.name}
          selected={selected}
          onSelect={setSelected}
          currentKey={id}
          onOpen={(a) => open(a.id)}
          isPending={accounts.isPending}
          error={accounts.error}
          onRetry={() => void accounts.refetch()}
          empty={
            filtered ? (
              <NoMatch title={t("accounts.noMatch")} onClear={() => { setTyped(""); void navigate({ search: {}, replace: true }); }} />
            ) : (
              <Empty title={t("accounts.empty")}>{t("accounts.emptyHint")}</Empty>
            )
          }
        />
        {rows.length > 0 && (
          <More
            text={count === undefined || count === rows.length ? t("accounts.shown", { count: rows.length }) : t("accounts.shownOf", { shown: format.number(rows.length), total: format.number(count) })}
            hasMore={accounts.hasNextPage}
            isPending={accounts.isFetchingNextPage}
            onMore={() => void accounts.fetchNextPage()}
          />
        )}
      </Page>
      {current && <AccountPanel key={current.id} account={current} onClose={() => open()} onPassword={(p) => setPassword({ name: current.name, password: p })} />}
      {adding && (
        <AccountDialog
          onClose={() => setAdding(false)}
          onAdded={(added) => {
            setPassword({ name: added.account.name, password: added.temporaryPassword });
            open(added.account.id);
          }}
        />
      )}
      <TemporaryPassword shown={password} onClose={() => setPassword(null)} />
      <ConfirmDialog
        title={t("accounts.disableManyTitle", { count: chosen.length })}
        confirmLabel={t("accounts.disable")}
        isOpen={stopping}
        onClose={() => setStopping(false)}
        onConfirm={async () => {
          try {
            for (const a of chosen) await changeAccount(a.id, { disabled: true });
            toast({ text: t("accounts.disabledMany", { count: chosen.length }) });
            setSelected(new Set());
          } finally {
            await refreshAccounts(client);
          }
        }}
      >
        <p className="max-h-32 overflow-y-auto">{format.list(chosen.map((a) => a.name))}</p>
        <p>{t("accounts.disableBody")}</p>
      </ConfirmDialog>
    </div>
  );
}
