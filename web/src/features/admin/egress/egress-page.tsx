import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { Fragment, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/lib/format";
import { Button, TextLink } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { ErrorNotice } from "@/ui/error-notice";
import { Fact, Facts } from "@/ui/facts";
import { Menu, MenuItem } from "@/ui/menu";
import { download } from "@/features/history/download";
import { Notice } from "@/ui/notice";
import { Page, Scroll, Section } from "@/ui/page";
import { Select } from "@/ui/select";
import { Bar, Skeleton } from "@/ui/skeleton";
import { State } from "@/ui/state";
import { More, Table, type Column } from "@/ui/table";
import { useAct } from "@/ui/use-act";
import { type EgressMonth, egressQuery, monthsBetween, presentMonth, reportPath } from "./api";

/** What left the installation in a month, what was stopped, and what may leave. */
export function EgressPage() {
  const { t } = useTranslation("egress");
  const format = useFormats();
  const search = useSearch({ from: "/admin/egress" });
  const navigate = useNavigate({ from: "/admin/egress" });
  const query = useQuery(egressQuery(search.month));
  const act = useAct();
  const month = search.month ?? presentMonth();
  const { data } = query;
  const months = monthsBetween(data && data.firstMonth < month ? data.firstMonth : month, presentMonth());
  return (
    <Page
      title={t("title")}
      aside={data && !data.complete ? t("until", { time: format.within(data.madeAt) }) : undefined}
      actions={
        data && (
          <Menu
            label={t("export")}
            placement="bottom end"
            trigger={
              <Button size="dense" icon={Download}>
                {t("export")}
              </Button>
            }
          >
            <MenuItem hint={t("signedHint")} onAction={() => void act(() => download(reportPath(data.month, "signed")))}>
              {t("signed")}
            </MenuItem>
            <MenuItem hint={t("htmlHint")} onAction={() => void act(() => download(reportPath(data.month, "html")))}>
              {t("html")}
            </MenuItem>
            <MenuItem hint={t("keyHint")} onAction={() => take(`data:application/x-pem-file,${encodeURIComponent(data.key.pem)}`, "kakoi-egress-key.pem")}>
              {t("key")}
            </MenuItem>
          </Menu>
        )
      }
    >
      <Scroll>
        <div className="grid max-w-[64rem] px-6 pt-2 pb-16 max-md:px-4">
          <div className="mb-6 w-56">
            <Select
              label={t("month")}
              value={month}
              onChange={(next) => void navigate({ search: { month: next === presentMonth() ? undefined : next }, replace: true })}
              options={months.map((value) => ({ value, label: format.month(`${value}-15T00:00:00+09:00`) }))}
            />
          </div>
          {query.isPending ? (
            <Skeleton>
              <div className="grid gap-4">
                <Bar className="h-24 w-full" />
                <Bar className="w-1/3" />
                <Bar className="h-40 w-full" />
              </div>
            </Skeleton>
          ) : data ? (
            <>
              {query.error && <ErrorNotice error={query.error} onRetry={() => void query.refetch()} className="mb-6" />}
              <Overview of={data} />
              <Destinations of={data} />
              <Certainty of={data} />
              <Allowed of={data} />
              <Signature of={data} />
            </>
          ) : (
            <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />
          )}
        </div>
      </Scroll>
    </Page>
  );
}

/** Follows the address of a file; the answer is a download, so the page stays. */
function take(url: string, name = "") {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

function Overview({ of: { network, total, gaps, destinations } }: { of: EgressMonth }) {
  const { t } = useTranslation("egress");
  const format = useFormats();
  return (
    <section aria-label={t("overview")} className="pb-8">
      <Facts>
        <Fact wide name={t("network")} note={t(!network.closed ? "openHint" : network.publicDestinations.length > 0 ? "closedExceptHint" : "closedHint")}>
          <span className="text-16">{network.closed ? <State tone="on">{t("closed")}</State> : <State tone="wait">{t("open")}</State>}</span>
        </Fact>
        <Fact wide name={t("refused")} note={total.refusals > 0 ? t("refusedHint") : undefined}>
          <span className={total.refusals > 0 ? "text-danger" : undefined}>{t("times", { count: total.refusals, formatted: format.number(total.refusals) })}</span>
        </Fact>
        <Fact wide name={t("sent")} note={t("toDestinations", { count: new Set(destinations.filter((d) => d.amounts.dials > 0).map((d) => d.destination)).size })}>
          {format.bytes(total.bytesSent)}
        </Fact>
        <Fact wide name={t("received")}>{format.bytes(total.bytesReceived)}</Fact>
        <Fact wide name={t("gaps")}>
          {t("times", { count: gaps.length, formatted: format.number(gaps.length) })}
        </Fact>
      </Facts>
    </section>
  );
}

/** Says what a destination is reached for; of a connection, its name. */
function usePurpose() {
  const { t } = useTranslation("egress");
  return ({ purpose, name }: { purpose: string; name?: string }) => {
    const [kind = "", id] = purpose.split(":");
    const connection = name || t("gone");
    switch (kind) {
      case "model":
        return connection;
      case "check":
        return id ? t("checkOf", { name: connection }) : t("check");
      case "database":
      case "dns":
      case "detect":
        return t(kind);
      default:
        return purpose === "(other)" ? t("other") : purpose;
    }
  };
}

/** The words for a purpose; those of a connection that exists lead to it. */
function Purpose({ of }: { of: { purpose: string; name?: string } }) {
  const purpose = usePurpose();
  const id = of.purpose.startsWith("model:") && of.name ? of.purpose.slice("model:".length) : undefined;
  return (
    <span className="block py-1 leading-normal whitespace-normal [overflow-wrap:anywhere]">
      {id ? (
        <TextLink to="/admin/connections" search={{ id }}>
          {purpose(of)}
        </TextLink>
      ) : (
        purpose(of)
      )}
    </span>
  );
}

/** A name and port, whole: of long names the end tells as much as the beginning. */
function Destination({ of }: { of: { destination: string } }) {
  return (
    <span className="block py-1 leading-normal whitespace-normal [overflow-wrap:anywhere]">
      {of.destination.split(/(?<=\.)|(?=:\d+$)/).map((part, i) => (
        <Fragment key={i}>
          {part}
          <wbr />
        </Fragment>
      ))}
    </span>
  );
}

/** How many destinations are drawn at once; a server may have refused thousands. */
const firstRows = 200;

function Destinations({ of: { destinations } }: { of: EgressMonth }) {
  const { t } = useTranslation("egress");
  const format = useFormats();
  const purpose = usePurpose();
  type Row = EgressMonth["destinations"][number];
  // What was refused is what one came to see.
  const [limit, setLimit] = useState(firstRows);
  const rows = [...destinations].sort((a, b) => b.amounts.refusals - a.amounts.refusals || b.amounts.bytesSent - a.amounts.bytesSent);
  const columns: Column<Row>[] = [
    {
      id: "destination",
      header: t("destination"),
      cell: (d) => (
        <>
          <Destination of={d} />
          <span className="block pb-1 leading-normal whitespace-normal text-muted [overflow-wrap:anywhere] @min-[48rem]:hidden">{purpose(d)}</span>
        </>
      ),
    },
    { id: "purpose", header: t("purpose"), cell: (d) => <Purpose of={d} />, width: "w-44", from: "middle" },
    { id: "dials", header: t("dials"), cell: (d) => format.number(d.amounts.dials), width: "w-24", align: "end", from: "narrow" },
    { id: "refusals", header: t("refused"), cell: (d) => (d.amounts.refusals > 0 ? <b className="text-danger">{format.number(d.amounts.refusals)}</b> : format.number(0)), width: "w-18", align: "end" },
    { id: "sent", header: t("sent"), cell: (d) => format.bytes(d.amounts.bytesSent), width: "w-22", align: "end" },
    { id: "received", header: t("received"), cell: (d) => format.bytes(d.amounts.bytesReceived), width: "w-22", align: "end", from: "narrow" },
    { id: "first", header: t("first"), cell: (d) => format.near(d.first), width: "w-34", align: "end", from: "wide" },
    { id: "last", header: t("last"), cell: (d) => format.near(d.last), width: "w-34", align: "end", from: "middle" },
  ];
  return (
    <Section title={t("destinations")} hint={t("destinationsHint")}>
      <Table label={t("destinations")} columns={columns} rows={rows.slice(0, limit)} rowKey={(d) => `${d.purpose} ${d.destination}`} rowName={(d) => d.destination} flush empty={<p className="text-14 text-muted">{t("noDestinations")}</p>} />
      {rows.length > firstRows && <More text={t("shown", { shown: format.number(Math.min(limit, rows.length)), all: format.number(rows.length) })} hasMore={limit < rows.length} isPending={false} onMore={() => setLimit(limit + firstRows)} />}
    </Section>
  );
}

/** Whether the record is whole: times without one, and processes that ended without a word. */
function Certainty({ of: { gaps, watches, unwatched } }: { of: EgressMonth }) {
  const { t } = useTranslation("egress");
  const format = useFormats();
  const lost = watches.filter((w) => w.end === "lost");
  const span = ({ from, to }: { from: string; to: string }) => t("span", { from: format.dateTime(from), to: format.dateTime(to) });
  return (
    <Section title={t("certainty")} hint={t("certaintyHint")}>
      {gaps.length + lost.length + unwatched.length === 0 ? (
        <p>
          <State tone="on">{t("whole")}</State>
        </p>
      ) : (
        <div className="grid gap-5 text-14">
          {gaps.length > 0 && (
            <div>
              <h3 className="font-bold">{t("gaps")}</h3>
              <p className="text-muted">{t("gapsHint")}</p>
              <ul className="mt-1.5 grid gap-1 tabular-nums">
                {gaps.map((g) => (
                  <li key={g.from}>{span(g)}</li>
                ))}
              </ul>
            </div>
          )}
          {lost.length > 0 && (
            <div>
              <h3 className="font-bold">{t("lost")}</h3>
              <p className="text-muted">{t("lostHint")}</p>
              <ul className="mt-1.5 grid gap-1 tabular-nums">
                {lost.map((w) => (
                  <li key={w.node}>{t("lostAt", { time: format.dateTime(w.to), version: w.version })}</li>
                ))}
              </ul>
            </div>
          )}
          {unwatched.length > 0 && <p>{t("unwatched", { count: unwatched.length })}</p>}
        </div>
      )}
    </Section>
  );
}

function Allowed({ of: { allowed, network } }: { of: EgressMonth }) {
  const { t } = useTranslation("egress");
  const format = useFormats();
  type Row = EgressMonth["allowed"][number];
  const columns: Column<Row>[] = [
    { id: "destination", header: t("destination"), cell: (a) => <Destination of={a} /> },
    { id: "purpose", header: t("purpose"), cell: (a) => <Purpose of={a} />, width: "w-1/3" },
  ];
  return (
    <Section title={t("allowed")} hint={t("allowedHint")}>
      {network.closed && network.ownRanges.length + network.publicDestinations.length > 0 && (
        <Notice className="mb-4" title={t("exceptions")}>
          {network.publicDestinations.length > 0 && <p className="[overflow-wrap:anywhere]">{t("publicDestinations", { list: format.list(network.publicDestinations) })}</p>}
          {network.ownRanges.length > 0 && <p className="[overflow-wrap:anywhere]">{t("ownRanges", { list: format.list(network.ownRanges) })}</p>}
        </Notice>
      )}
      <Table label={t("allowed")} columns={columns} rows={allowed} rowKey={(a) => `${a.purpose} ${a.destination}`} rowName={(a) => a.destination} flush empty={<p className="text-14 text-muted">{t("nothingAllowed")}</p>} />
    </Section>
  );
}

function Signature({ of: { key } }: { of: EgressMonth }) {
  const { t } = useTranslation("egress");
  return (
    <Section title={t("signature")} hint={t("signatureHint")}>
      <p className="text-14 text-muted">{t("fingerprint")}</p>
      <p className="flex items-center gap-2">
        <code lang="en" className="min-w-0 text-14 [overflow-wrap:anywhere]">{key.fingerprint}</code>
        <CopyButton text={key.fingerprint} label={t("copyFingerprint")} />
      </p>
    </Section>
  );
}
