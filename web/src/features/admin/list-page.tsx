import type { UseQueryResult } from "@tanstack/react-query";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { useMay } from "@/features/account/api";
import type { List, Permission } from "@/lib/api/types";
import { Empty } from "@/ui/empty";
import { Page } from "@/ui/page";
import { Table, type Column } from "@/ui/table";

interface Props<Row> {
  title: string;
  query: UseQueryResult<List<Row>>;
  columns: Column<Row>[];
  /** The words for one row. */
  rowName: (row: Row) => string;
  /** The row whose panel is open, by its id. */
  current: string | undefined;
  onOpen: (id: string) => void;
  /** The button that adds one: above the list, and in its place while there is nothing in it. */
  add: ReactNode;
  /** What adding needs: without it the page is for reading. */
  writes: Permission;
  /** What the place is for, while there is nothing in it. */
  empty: { icon: LucideIcon; title: string; hint: string };
  /** The panel beside the list, and dialogs. */
  children: ReactNode;
}

/** A page of administration that is one short list: read whole, a row opens beside it. */
export function ListPage<Row extends { id: string }>({ title, query, columns, rowName, current, onOpen, add: button, writes, empty, children }: Props<Row>) {
  const add = useMay(writes) && button;
  const rows = query.data?.items ?? [];
  return (
    <div className="flex min-h-0 flex-1">
      <Page title={title} actions={rows.length > 0 && add}>
        <Table
          label={title}
          className="flex-1"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.id}
          rowName={rowName}
          currentKey={current}
          onOpen={(row) => onOpen(row.id)}
          isPending={query.isPending}
          error={query.error}
          onRetry={() => void query.refetch()}
          empty={
            <Empty icon={empty.icon} title={empty.title} actions={add}>
              {empty.hint}
            </Empty>
          }
        />
      </Page>
      {children}
    </div>
  );
}
