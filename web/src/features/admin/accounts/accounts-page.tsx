import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download, UserPlus } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/account/api";
import type { Account } from "@/lib/api/types";
import { lastDayOf, useDayText } from "@/lib/day";
import { useFormats } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";
import { Button } from "@/ui/button";
import { FilterChip } from "@/ui/chip";
import { Empty, NoMatch } from "@/ui/empty";
import { Page } from "@/ui/page";
import { More, Table, type Column } from "@/ui/table";
import { SearchField } from "@/ui/text-field";
import { useColumns } from "../column-choice";
import { groupsQuery } from "../groups/api";
import { useRoles } from "../roles/api";
import { UnitChip } from "../units/unit-picker";
import { useUnits } from "../units/unit-tree";
import { AccountDialog } from "./account-dialog";
import { AccountPanel } from "./account-panel";
import { AccountState } from "./account-state";
import { accountQuery, accountsQuery, accountSorts, exportAddress, postsNow, rolesNow } from "./api";
import { BulkBar } from "./bulk-bar";
import { TemporaryPassword } from "./temporary-password";

const shownAtFirst = ["email", "roles", "post", "state", "lastSignedIn"];

/** Who may come in, and as what. */
export function AccountsPage() {
  const { t } = useTranslation("admin");
  const { t: people } = useTranslation("people");
  const format = useFormats();
  const dayText = useDayText();
  const mayAdd = useMay("account.write");
  const search = useSearch({ from: "/admin/accounts" });
  const navigate = useNavigate({ from: "/admin/accounts" });
  const [typed, setTyped] = useState(search.q ?? "");
  const q = useDebounced(typed.trim());
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [all, setAll] = useState(false);
  const [adding, setAdding] = useState(false);
  const [password, setPassword] = useState<{ name: string; password: string } | null>(null);

  useEffect(() => {
    if ((search.q ?? "") !== q) void navigate({ search: (old) => ({ ...old, q: q || undefined }), replace: true });
  }, [q, search.q, navigate]);

  const { id, sort, down, ...filter } = search;
  const filtered = Boolean(filter.q || filter.state || filter.role || filter.unit || filter.group);
  const accounts = useInfiniteQuery(accountsQuery({ ...filter, sort, down }));
  const groups = useQuery({ ...groupsQuery, enabled: useMay("group.read") });
  const units = useUnits();
  const roles = useRoles();
  const rows = accounts.data?.pages.flatMap((p) => p.items) ?? [];
  const listed = rows.find((a) => a.id === id);
  // A link from elsewhere names an account that the first page need not have.
  const alone = useQuery({ ...accountQuery(id ?? ""), enabled: id !== undefined && !listed && !accounts.isPending });
  const current = listed ?? (id === alone.data?.id ? alone.data : undefined);
  const matching = accounts.data?.pages[0]?.matching ?? 0;

  const choose = (next: ReadonlySet<string>) => {
    setSelected(next);
    setAll(false);
  };
  const narrow = (patch: Partial<typeof search>) => {
    choose(new Set());
    void navigate({ search: (old) => ({ ...old, ...patch }), replace: true });
  };
  const open = (next?: string) => void navigate({ search: (old) => ({ ...old, id: next }) });
  const groupName = (groupId: string) => groups.data?.items.find((g) => g.id === groupId)?.name;

  /** The first of several, and how many more there are; all of them for the mouse. */
  const several = (short: string[], whole = short) =>
    short.length === 0 ? "" : <span title={format.list(whole)}>{short.length === 1 ? short[0] : format.facts(short[0], people("accounts.more", { count: short.length - 1 }))}</span>;

  const every: Column<Account>[] = [
    { id: "name", header: t("accounts.name"), cell: (a) => a.name, width: "@min-[36rem]:w-44", sortable: true },
    { id: "email", header: t("accounts.email"), cell: (a) => <span title={a.email}>{a.email}</span>, sortable: true, from: "wide" },
    {
      id: "post",
      header: people("accounts.post"),
      cell: (a) => {
        const posts = postsNow(a);
        return several(posts.map((p) => format.facts(units.short(p.unitId), p.title)), posts.map((p) => format.facts(units.path(p.unitId), p.title)));
      },
      width: "@min-[60rem]:w-64",
      from: "narrow",
    },
    {
      id: "roles",
      header: people("accounts.roles"),
      cell: (a) => {
        const held = rolesNow(a);
        const where = held.map((h) => (h.unitId ? people("accounts.roleIn", { role: roles.name(h.roleId), unit: units.path(h.unitId) }) : roles.name(h.roleId)));
        return several(held.length > 0 ? held.map((h) => roles.name(h.roleId)) : [people("role.member")], held.length > 0 ? where : [people("role.member")]);
      },
      width: "w-44",
      from: "middle",
    },
    { id: "state", header: t("accounts.state"), cell: (a) => <AccountState account={a} />, width: "w-44 @max-[36rem]:w-36" },
    { id: "groups", header: people("accounts.groups"), cell: (a) => several(a.groupIds.map(groupName).filter((name) => name !== undefined)), width: "w-40" },
    { id: "validUntil", header: people("accounts.validUntil"), cell: (a) => (a.validUntil ? dayText(lastDayOf(a.validUntil)) : t("accounts.notYet")), width: "w-44", align: "end" },
    { id: "createdAt", header: people("accounts.added"), cell: (a) => format.near(a.createdAt), width: "w-32", align: "end" },
    { id: "lastSignedIn", header: t("accounts.lastSeen"), cell: (a) => (a.lastSignedInAt ? format.near(a.lastSignedInAt) : t("accounts.notYet")), width: "w-36", align: "end", sortable: true, from: "narrow" },
  ];
  const { columns, choice } = useColumns("accounts", every, shownAtFirst);

  return (
    <div className="flex min-h-0 flex-1">
      <Page
        title={t("accounts.title")}
        aside={accounts.isPending ? undefined : filtered ? people("accounts.matching", { count: matching, formatted: format.number(matching) }) : t("accounts.count", { count: matching, formatted: format.number(matching) })}
        actions={
          mayAdd && (
            <Button tone="primary" size="dense" icon={UserPlus} onPress={() => setAdding(true)}>
              {t("accounts.add")}
            </Button>
          )
        }
      >
        <div className="flex flex-none flex-wrap items-center gap-2 px-6 pb-3 max-md:px-4">
          <SearchField label={t("accounts.search")} placeholder={t("accounts.searchHint")} value={typed} onChange={setTyped} className="w-56 max-md:w-full" />
          {units.tree.below().length > 0 && <UnitChip label={people("accounts.unit")} tree={units.tree} value={filter.unit ?? ""} onChange={(unit) => narrow({ unit: unit || undefined })} />}
          <FilterChip
            label={t("accounts.state")}
            value={filter.state ?? ""}
            onChange={(state) => narrow({ state: state || undefined })}
            options={[
              { value: "active", label: t("accounts.active") },
              { value: "disabled", label: t("accounts.disabled") },
            ]}
          />
          {roles.items.length > 0 && <FilterChip label={t("accounts.role")} value={filter.role ?? ""} onChange={(role) => narrow({ role: role || undefined })} options={roles.items.map((r) => ({ value: r.id, label: roles.name(r.id) }))} />}
          {groups.data && groups.data.items.length > 0 && (
            <FilterChip label={t("accounts.group")} value={filter.group ?? ""} onChange={(group) => narrow({ group: group || undefined })} options={groups.data.items.map((g) => ({ value: g.id, label: g.name }))} />
          )}
          <span className="ml-auto flex max-md:ml-0">
            {choice}
            <Button tone="quiet" size="dense" icon={Download} isDisabled={matching === 0} onPress={() => take(exportAddress({ ...filter, sort, down }))}>
              {people("accounts.export")}
            </Button>
          </span>
        </div>
        {selected.size > 0 && (
          <BulkBar
            selected={selected}
            all={all}
            matching={matching}
            filter={filter}
            canSelectAll={rows.length < matching && rows.every((a) => selected.has(a.id))}
            onAll={() => setAll(true)}
            groups={groups.data?.items.filter((g) => !g.rule) ?? []}
            onDone={() => choose(new Set())}
          />
        )}
        <Table
          label={t("accounts.title")}
          className="flex-1"
          columns={columns}
          rows={rows}
          rowKey={(a) => a.id}
          rowName={(a) => a.name}
          sort={{ column: sort ?? "email", direction: down ? "descending" : "ascending" }}
          onSort={(next) => {
            const by = accountSorts.find((s) => s === next.column);
            narrow({ sort: by === "email" ? undefined : by, down: next.direction === "descending" || undefined });
          }}
          selected={mayAdd ? selected : undefined}
          onSelect={mayAdd ? choose : undefined}
          currentKey={id}
          onOpen={(a) => open(a.id)}
          isPending={accounts.isPending}
          error={accounts.error}
          onRetry={() => void accounts.refetch()}
          empty={
            filtered ? (
              <NoMatch title={t("accounts.noMatch")} onClear={() => { setTyped(""); void navigate({ search: {}, replace: true }); }} />
            ) : mayAdd ? (
              <Empty title={people("accounts.emptyScope")}>{t("accounts.emptyHint")}</Empty>
            ) : (
              <Empty title={t("accounts.empty")} />
            )
          }
        />
        {rows.length > 0 && (
          <More
            text={rows.length >= matching ? t("accounts.shown", { count: rows.length }) : t("accounts.shownOf", { shown: format.number(rows.length), total: format.number(matching) })}
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
    </div>
  );
}

/** Follows the address of a file; the answer is a download, so the page stays. */
function take(url: string) {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
}
