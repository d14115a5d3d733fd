import { useQuery } from "@tanstack/react-query";
import { Stethoscope } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Status } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { useFormats } from "@/lib/format";
import { ButtonLink, TextLink } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { Fact, Facts } from "@/ui/facts";
import { Page, Scroll, Section } from "@/ui/page";
import { Bar, Skeleton } from "@/ui/skeleton";
import { State } from "@/ui/state";
import { Table, type Column } from "@/ui/table";
import { statusQuery } from "./api";

/** Whether everything runs, and what went out. */
export function StatusPage() {
  const { t } = useTranslation("admin");
  const format = useFormats();
  const status = useQuery(statusQuery);
  return (
    <Page
      title={t("status.title")}
      aside={status.data && t("status.asOf", { time: format.time(new Date(status.dataUpdatedAt)) })}
      actions={
        <ButtonLink to="/admin/doctor" size="dense" icon={Stethoscope}>
          {t("status.examine")}
        </ButtonLink>
      }
    >
      <Scroll>
        <div className="grid max-w-[64rem] px-6 pt-2 pb-16 max-md:px-4">
          {status.isPending ? (
            <Skeleton>
              <div className="grid gap-4">
                <Bar className="h-24 w-full" />
                <Bar className="w-1/3" />
                <Bar className="h-40 w-full" />
              </div>
            </Skeleton>
          ) : status.data ? (
            <>
              {status.error && <ErrorNotice error={status.error} onRetry={() => void status.refetch()} className="mb-6" />}
              <Overview status={status.data} at={status.dataUpdatedAt} />
              <Connections connections={status.data.connections} />
              <Egress egress={status.data.egress} connections={status.data.connections} />
            </>
          ) : (
            <ErrorNotice error={status.error} onRetry={() => void status.refetch()} />
          )}
        </div>
      </Scroll>
    </Page>
  );
}

function Overview({ status, at }: { status: Status; at: number }) {
  const { t } = useTranslation("admin");
  const format = useFormats();
  const { store } = status;
  return (
    <section aria-label={t("status.overview")} className="pb-8">
      <Facts>
        <Fact name={t("status.version")} note={t("status.schema", { n: store.schemaVersion })}>
          {status.version}
        </Fact>
        <Fact name={t("status.uptime")} note={t("status.since", { date: format.within(status.startedAt) })}>
          {format.duration(at - new Date(status.startedAt).getTime())}
        </Fact>
        <Fact name={t("status.runs")}>{t("status.runCount", { count: status.activeRuns, formatted: format.number(status.activeRuns) })}</Fact>
        <Fact name={t("status.memory")}>{format.bytes(status.memoryBytes)}</Fact>
        <Fact
          name={t("status.store")}
          note={format.facts(t(`status.engine.${store.engine}`), store.sizeBytes !== undefined && format.bytes(store.sizeBytes))}
        >
          <span className="text-16">{store.ok ? <State tone="on">{t("status.storeOk")}</State> : <State tone="stop">{t("status.storeFailing")}</State>}</span>
        </Fact>
      </Facts>
    </section>
  );
}

function Connections({ connections }: { connections: Status["connections"] }) {
  const { t } = useTranslation("admin");
  const format = useFormats();
  const words = useErrorTextOf();
  type Row = Status["connections"][number];
  const state = (c: Row) =>
    !c.enabled ? (
      <State tone="off">{t("connections.off")}</State>
    ) : c.state === "ok" ? (
      <State tone="on">{t("status.works")}</State>
    ) : c.state === "failing" ? (
      <Failing text={c.code ? words({ code: c.code, params: {}, detail: "" }).what : t("status.fails")} />
    ) : (
      <State tone="off">{t("status.notUsed")}</State>
    );
  const columns: Column<Row>[] = [
    {
      id: "name",
      header: t("connections.name"),
      cell: (c) => (
        <TextLink to="/admin/connections" search={{ id: c.id }}>
          {c.name}
        </TextLink>
      ),
    },
    { id: "kind", header: t("connections.kind"), cell: (c) => t(`connections.${c.kind}`), width: "w-56", from: "middle" },
    { id: "state", header: t("connections.state"), cell: state, width: "@min-[48rem]:w-80" },
    { id: "used", header: t("status.lastUsed"), cell: (c) => (c.lastUsedAt ? format.near(c.lastUsedAt) : t("accounts.notYet")), width: "w-36", align: "end", from: "narrow" },
  ];
  return (
    <Section title={t("connections.title")}>
      <Table label={t("connections.title")} columns={columns} rows={connections} rowKey={(c) => c.id} rowName={(c) => c.name} flush empty={<p className="text-14 text-muted">{t("connections.empty")}</p>} />
    </Section>
  );
}

function Failing({ text }: { text: string }) {
  return (
    <span title={text}>
      <State tone="stop">{text}</State>
    </span>
  );
}

/** A number that should be nothing, and stands out when it is not. */
function Count({ n }: { n: number }) {
  const format = useFormats();
  return n > 0 ? <b className="text-danger">{format.number(n)}</b> : <>{format.number(n)}</>;
}

const looking = "detect";

function Egress({ egress, connections }: Pick<Status, "egress" | "connections">) {
  const { t } = useTranslation("admin");
  const format = useFormats();
  type Row = Status["egress"][number];
  const purpose = ({ purpose: name }: Row) => {
    const [kind, id] = name.split(":");
    const connection = id && (connections.find((c) => c.id === id)?.name ?? t("status.purposeGone"));
    switch (kind) {
      case looking:
        return t("status.purposeDetect");
      case "doctor":
        return t("status.purposeDoctor");
      case "database":
        return t("status.purposeDatabase");
      case "dns":
        return t("status.purposeDns");
      case "check":
        return format.facts(connection, t("status.purposeCheck"));
      default:
        return connection || name;
    }
  };
  const columns: Column<Row>[] = [
    { id: "destination", header: t("status.destination"), cell: (e) => <span title={e.destination}>{e.destination}</span> },
    { id: "purpose", header: t("status.purpose"), cell: (e) => <span title={purpose(e)}>{purpose(e)}</span>, from: "middle" },
    { id: "dials", header: t("status.dials"), cell: (e) => format.number(e.dials), width: "w-20", align: "end" },
    // That nobody answers where a local model might have been is no failure of anything.
    { id: "failures", header: t("status.failures"), cell: (e) => (e.purpose === looking ? format.number(e.failures) : <Count n={e.failures} />), width: "w-20", align: "end", from: "narrow" },
    { id: "refusals", header: t("status.refused"), cell: (e) => <Count n={e.refusals} />, width: "w-20", align: "end" },
    { id: "sent", header: t("status.sent"), cell: (e) => format.bytes(e.bytesSent), width: "w-24", align: "end", from: "narrow" },
    { id: "received", header: t("status.received"), cell: (e) => format.bytes(e.bytesReceived), width: "w-24", align: "end", from: "narrow" },
  ];
  return (
    <Section title={t("status.egress")} hint={t("status.egressHint")} actions={<TextLink to="/admin/egress">{t("status.egressByMonth")}</TextLink>}>
      <Table label={t("status.egress")} columns={columns} rows={egress} rowKey={(e) => `${e.purpose} ${e.destination}`} rowName={(e) => e.destination} flush empty={<p className="text-14 text-muted">{t("status.noEgress")}</p>} />
    </Section>
  );
}
