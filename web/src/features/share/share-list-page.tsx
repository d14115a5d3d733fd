import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Users } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/empty";
import { Page, Scroll } from "@/ui/page";
import { Badge } from "@/ui/state";
import { type Column, More, Table } from "@/ui/table";
import { Tabs } from "@/ui/tabs";
import { type ListedShare, type ShareScope, shareListQuery } from "./api";
import { RevokeDialog, ShareDialog } from "./share-dialog";
import { useShareWords } from "./words";

/** What others share with one, and what one shares. */
export function ShareListPage() {
  const { t } = useTranslation("share");
  const { scope = "shared" } = useSearch({ from: "/workplace/shared" });
  const navigate = useNavigate({ from: "/shared" });
  return (
    <Page title={t("pageTitle")}>
      <Scroll className="px-6 pb-6 max-md:px-4">
        <Tabs<ShareScope>
          label={t("pageTitle")}
          value={scope}
          onChange={(next) => void navigate({ search: next === "mine" ? { scope: "mine" } : {}, replace: true })}
          tabs={[
            { value: "shared", label: t("withMe"), content: <WithMe /> },
            { value: "mine", label: t("byMe"), content: <ByMe /> },
          ]}
        />
      </Scroll>
    </Page>
  );
}

interface ListProps {
  scope: ShareScope;
  columns: Column<ListedShare>[];
  onOpen: (share: ListedShare) => void;
  emptyTitle: string;
  emptyHint: string;
}

function ShareTable({ scope, columns, onOpen, emptyTitle, emptyHint }: ListProps) {
  const { t } = useTranslation("share");
  const list = useInfiniteQuery(shareListQuery(scope));
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Table
        flush
        label={t(scope === "mine" ? "byMe" : "withMe")}
        columns={columns}
        rows={rows}
        rowKey={(share) => share.id}
        rowName={(share) => share.title}
        onOpen={onOpen}
        isPending={list.isPending}
        error={list.error}
        onRetry={() => void list.refetch()}
        empty={
          <Empty icon={Users} title={emptyTitle}>
            {emptyHint}
          </Empty>
        }
      />
      {list.hasNextPage && <More text={t("shown", { count: rows.length })} hasMore isPending={list.isFetchingNextPage} onMore={() => void list.fetchNextPage()} />}
    </>
  );
}

function Title({ share }: { share: ListedShare }) {
  const { t } = useTranslation("share");
  return (
    <>
      {!share.seenAt && (
        <span className="mr-2 font-normal">
          <Badge tone="accent">{t("unseen")}</Badge>
        </span>
      )}
      {share.title}
    </>
  );
}

function WithMe() {
  const { t } = useTranslation("share");
  const format = useFormats();
  const navigate = useNavigate();
  const words = useShareWords();
  return (
    <ShareTable
      scope="shared"
      onOpen={({ id }) => void navigate({ to: "/shared/$shareId", params: { shareId: id } })}
      emptyTitle={t("withMeEmpty")}
      emptyHint={t("withMeEmptyHint")}
      columns={[
        { id: "title", header: t("conversation"), cell: (share) => <Title share={share} /> },
        { id: "owner", header: t("owner"), cell: (share) => share.ownerName, width: "w-40 @max-[36rem]:w-28" },
        { id: "kind", header: t("content"), cell: words.kind, width: "w-44", from: "wide" },
        { id: "created", header: t("sharedAt"), cell: (share) => format.near(share.createdAt), width: "w-36", from: "narrow" },
        { id: "until", header: t("term"), cell: (share) => (share.expiresAt ? format.date(share.expiresAt) : t("noTerm")), width: "w-52", from: "middle" },
      ]}
    />
  );
}

function ByMe() {
  const { t } = useTranslation("share");
  const format = useFormats();
  const words = useShareWords();
  const [open, setOpen] = useState<ListedShare>();
  const [revoking, setRevoking] = useState<ListedShare>();
  return (
    <>
      <ShareTable
        scope="mine"
        onOpen={setOpen}
        emptyTitle={t("byMeEmpty")}
        emptyHint={t("byMeEmptyHint")}
        columns={[
          { id: "title", header: t("conversation"), cell: (share) => share.title },
          { id: "with", header: t("who"), cell: (share) => words.whom(share.everyone, share.withNames ?? [], share.withCount), width: "w-56", from: "narrow" },
          { id: "kind", header: t("content"), cell: words.kind, width: "w-44", from: "wide" },
          { id: "until", header: t("term"), cell: (share) => (share.expiresAt ? format.date(share.expiresAt) : t("noTerm")), width: "w-52", from: "middle" },
          { id: "seen", header: t("seen"), cell: (share) => t("seenCount", { count: share.viewers, formatted: format.number(share.viewers) }), width: "w-24", align: "end", from: "narrow" },
          {
            id: "revoke",
            header: t("acts"),
            width: "w-32",
            align: "end",
            cell: (share) => (
              <Button size="dense" tone="danger-quiet" aria-label={t("revokeNamed", { title: share.title })} onPress={() => setRevoking(share)}>
                {t("revoke")}
              </Button>
            ),
          },
        ]}
      />
      {open?.conversationId && <ShareDialog conversation={{ id: open.conversationId, title: open.title }} onClose={() => setOpen(undefined)} />}
      {revoking && <RevokeDialog share={revoking} isOpen onClose={() => setRevoking(undefined)} />}
    </>
  );
}
