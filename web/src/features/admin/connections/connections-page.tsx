import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plug, Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/account/api";
import type { Connection } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { nameOfCountry } from "@/lib/place";
import { Button, TextLink } from "@/ui/button";
import { Detail, Details } from "@/ui/details";
import { PanelSection } from "@/ui/drawer";
import { ErrorNotice } from "@/ui/error-notice";
import { Skeleton } from "@/ui/skeleton";
import { State } from "@/ui/state";
import type { Column } from "@/ui/table";
import { EntryPanel } from "../entry-panel";
import { ListPage } from "../list-page";
import { catalogueQuery } from "../models/api";
import { checkConnection, connectionsQuery, deleteConnection, dependentsQuery, refreshConnections } from "./api";
import { CheckSteps } from "./check-steps";
import { ConnectionDialog } from "./connection-dialog";
import { ConnectionWizard } from "./connection-wizard";
import { useCheck } from "./use-check";

/** Where a connection leads, in one line. */
function destination(c: Connection): string {
  return c.settings.baseUrl ?? c.settings.endpoint ?? c.settings.region ?? "";
}

function Enabled({ connection }: { connection: Connection }) {
  const { t } = useTranslation("admin");
  return connection.enabled ? <State tone="on">{t("connections.on")}</State> : <State tone="off">{t("connections.off")}</State>;
}

/** The ways out to where models run. */
export function ConnectionsPage() {
  const { t } = useTranslation("admin");
  const { id, add } = useSearch({ from: "/admin/connections" });
  const navigate = useNavigate({ from: "/admin/connections" });
  const toModels = useNavigate();
  const connections = useQuery(connectionsQuery);
  const current = connections.data?.items.find((c) => c.id === id);
  const open = (next?: string) => void navigate({ search: { id: next } });

  const columns: Column<Connection>[] = [
    { id: "name", header: t("connections.name"), cell: (c) => c.name, width: "@min-[36rem]:w-64" },
    { id: "kind", header: t("connections.kind"), cell: (c) => t(`connections.${c.kind}`), width: "w-54", from: "narrow" },
    { id: "destination", header: t("connections.destination"), cell: destination, from: "middle" },
    { id: "models", header: t("models.title"), cell: (c) => c.models, width: "w-20", align: "end", from: "narrow" },
    { id: "state", header: t("connections.state"), cell: (c) => <Enabled connection={c} />, width: "w-28" },
  ];
  return (
    <ListPage
      title={t("connections.title")}
      query={connections}
      columns={columns}
      rowName={(c) => c.name}
      current={id}
      onOpen={open}
      writes="connection.write"
      add={
        <Button tone="primary" size="dense" icon={Plus} onPress={() => void navigate({ search: { add: "1" } })}>
          {t("connections.add")}
        </Button>
      }
      empty={{ icon: Plug, title: t("connections.empty"), hint: t("connections.emptyHint") }}
    >
      {current && <ConnectionPanel key={current.id} connection={current} onClose={() => open()} />}
      {add && (
        <ConnectionWizard
          onClose={() => void navigate({ search: {} })}
          onAdded={(made) => void toModels({ to: "/admin/models", search: { add: made.id } })} // whose dialog names it
        />
      )}
    </ListPage>
  );
}

function ConnectionPanel({ connection, onClose }: { connection: Connection; onClose: () => void }) {
  const { t, i18n } = useTranslation("admin");
  const format = useFormats();
  const client = useQueryClient();
  const catalogue = useQuery(catalogueQuery);
  const check = useCheck();
  const mayCheck = useMay("connection.write");
  const needs = useQuery(dependentsQuery(connection.id)).data;
  const models = catalogue.data?.items.filter((m) => m.connectionId === connection.id) ?? [];
  const namesOf = (items: { displayName: string }[]) => ({ count: items.length, names: format.list(items.map((m) => m.displayName)) });
  const { settings } = connection;

  return (
    <EntryPanel
      writes="connection.write"
      title={connection.name}
      subtitle={t(`connections.${connection.kind}`)}
      onClose={onClose}
      edit={(close) => <ConnectionDialog connection={connection} onClose={close} />}
      deletion={{
        title: t("connections.deleteTitle", { name: connection.name }),
        consequences: (
          <>
            {needs && needs.models.length > 0 && <p>{t("connections.deleteModels", namesOf(needs.models))}</p>}
            {needs && needs.routed.length > 0 && <p>{t("connections.deleteRouted", namesOf(needs.routed))}</p>}
            <p>{t("connections.deleteBody")}</p>
          </>
        ),
        run: async () => {
          await deleteConnection(connection.id, needs !== undefined && needs.models.length + needs.routed.length > 0);
          await refreshConnections(client);
        },
        done: t("connections.deleted", { name: connection.name }),
      }}
    >
      <PanelSection title={t("connections.reach")}>
        <Details>
          <Detail name={t("connections.state")}>
            <Enabled connection={connection} />
          </Detail>
          {settings.baseUrl && <Detail name={t("connections.baseUrl")}>{settings.baseUrl}</Detail>}
          {settings.country && <Detail name={t("connections.country")}>{nameOfCountry(settings.country, i18n.language)}</Detail>}
          {settings.region && <Detail name={t("connections.region")}>{settings.region}</Detail>}
          {settings.roles && settings.roles.length > 0 && (
            <Detail name={t("connections.roles")}>
              <ol className="grid gap-1">
                {settings.roles.map((role, i) => (
                  <li key={i} className="font-mono text-14 break-all">
                    {role.arn}
                  </li>
                ))}
              </ol>
            </Detail>
          )}
          {settings.endpoint && <Detail name={t("connections.endpoint")}>{settings.endpoint}</Detail>}
          {settings.headers && Object.keys(settings.headers).length > 0 && <Detail name={t("connections.headers")}>{format.list(Object.keys(settings.headers))}</Detail>}
          {connection.kind !== "demo" && <Detail name={t("connections.secret")}>{connection.secretNames.length > 0 ? t("connections.secretSet") : t("connections.secretNone")}</Detail>}
          {(settings.caPem || settings.caFile) && <Detail name={t("connections.ca")}>{settings.caFile || t("connections.caSet")}</Detail>}
          <Detail name={t("connections.updated")}>{format.dateTime(connection.updatedAt)}</Detail>
        </Details>
        {mayCheck && (<Button size="dense" className="mt-4" isPending={check.pending} pendingLabel={t("connections.checking")} onPress={() => void check.run(() => checkConnection(connection.id))}>
          {t("connections.check")}
        </Button>)}
        <div className="mt-3">
          {check.failure && <ErrorNotice error={check.failure} />}
          {check.steps && <CheckSteps steps={check.steps} residency={check.residency} />}
        </div>
      </PanelSection>
      <PanelSection title={t("models.title")}>
        {catalogue.isPending ? (
          <Skeleton />
        ) : models.length === 0 ? (
          <p className="text-muted">{t("connections.noModels")}</p>
        ) : (
          <ul className="grid gap-1.5">
            {models.map((m) => (
              <li key={m.id} className="flex justify-between gap-2">
                <TextLink to="/admin/models" search={{ id: m.id }}>
                  {m.displayName}
                </TextLink>
                {!m.enabled && <span className="text-muted">{t("models.off")}</span>}
              </li>
            ))}
          </ul>
        )}
        <p className="mt-3">
          <TextLink to="/admin/models" search={{ add: connection.id }}>
            {t("connections.addModels")}
          </TextLink>
        </p>
      </PanelSection>
    </EntryPanel>
  );
}
