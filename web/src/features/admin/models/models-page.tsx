import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowDown, ArrowUp, Boxes, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/account/api";
import type { CatalogueModel, Connection, List } from "@/lib/api/types";
import { announce } from "@/lib/announce";
import { useFormats } from "@/lib/format";
import { usePlaceText } from "@/lib/place";
import { Button, ButtonLink, IconButton } from "@/ui/button";
import { Badge, State } from "@/ui/state";
import type { Column } from "@/ui/table";
import { useAct } from "@/ui/use-act";
import { connectionsQuery } from "../connections/api";
import { ListPage } from "../list-page";
import { useVerdict } from "../residency/verdict";
import { whoMay } from "./audience";
import { AddModelsDialog } from "./add-models-dialog";
import { catalogueQuery, orderModels, refreshModels } from "./api";
import { useCapabilityText } from "./capability-list";
import { ModelPanel } from "./model-panel";

/** Whether people can use a model: it is offered, a way to it is switched on and works, and where it is is permitted. */
function ModelState({ model, connections }: { model: CatalogueModel; connections: Connection[] }) {
  const { t } = useTranslation("admin");
  const verdictOf = useVerdict();
  if (!model.enabled) return <State tone="off">{t("models.off")}</State>;
  const ways = [model, ...model.routes].filter((way) => connections.find((c) => c.id === way.connectionId)?.enabled !== false);
  if (ways.length === 0) return <State tone="off">{t("models.connectionOff")}</State>;
  const working = ways.filter((way) => !model.rests?.some((r) => r.connectionId === way.connectionId && r.remoteId === way.remoteId));
  switch (model.residency && verdictOf(model.residency)) {
    case "barred":
      return <State tone="stop">{t("models.barredState")}</State>;
    case "partly":
      return <State tone="wait">{t(model.residency?.classes ? "residency.partlyClasses" : "models.partlyState")}</State>;
    default:
      if (working.length === 0) return <State tone="stop">{t("models.failing")}</State>;
      return working.length < ways.length ? <State tone="wait">{t("models.partlyFailing")}</State> : <State tone="on">{t("models.on")}</State>;
  }
}

/** Which models there are, in which order, and who may use them. */
export function ModelsPage() {
  const { t } = useTranslation("admin");
  const { id, add } = useSearch({ from: "/admin/models" });
  const navigate = useNavigate({ from: "/admin/models" });
  const client = useQueryClient();
  const act = useAct();
  const abilityText = useCapabilityText();
  const format = useFormats();
  const placeText = usePlaceText();
  const catalogue = useQuery(catalogueQuery);
  const connections = useQuery(connectionsQuery);
  const [moving, setMoving] = useState(false);
  const mayOrder = useMay("model.write");
  const rows = catalogue.data?.items ?? [];
  const current = rows.find((m) => m.id === id);
  const open = (next?: string) => void navigate({ search: { id: next } });
  const connectionName = (m: CatalogueModel) => connections.data?.items.find((c) => c.id === m.connectionId)?.name ?? "";
  const connectionNames = (m: CatalogueModel) => (m.routes.length > 0 ? t("models.andRoutes", { name: connectionName(m), count: m.routes.length }) : connectionName(m));

  const move = async (from: number, to: number) => {
    const next = [...rows];
    const [moved] = next.splice(from, 1);
    if (!moved) return;
    next.splice(to, 0, moved);
    client.setQueryData(catalogueQuery.queryKey, (old: List<CatalogueModel> | undefined) => old && { ...old, items: next });
    setMoving(true);
    await act(async () => {
      await orderModels(next.map((m) => m.id));
      announce(t("models.movedTo", { name: moved.displayName, n: to + 1 }));
    });
    setMoving(false);
    await refreshModels(client);
  };

  const all: (Column<CatalogueModel> | false)[] = [
    { id: "name", header: t("models.name"), cell: (m) => m.displayName, width: "@min-[36rem]:w-56 @min-[60rem]:w-72" },
    {
      id: "notes",
      header: t("models.use"),
      cell: (m) => (
        <span className="inline-flex gap-1.5">
          {m.light && <Badge>{t("models.light")}</Badge>}
          {m.fallbackId && <Badge>{t("models.hasFallback")}</Badge>}
        </span>
      ),
      width: "w-36",
      from: "widest",
    },
    { id: "connection", header: t("models.connection"), cell: connectionNames, from: "narrow" },
    { id: "abilities", header: t("models.abilities"), cell: (m) => abilityText(m), from: "widest" },
    { id: "groups", header: t("models.who"), cell: (m) => format.list(whoMay(m, t)) || t("models.nobody"), width: "w-32", from: "middle" },
    { id: "place", header: t("models.processed"), cell: (m) => m.residency && placeText(m.residency.place), width: "w-40", from: "middle" },
    { id: "state", header: t("models.state"), cell: (m) => <ModelState model={m} connections={connections.data?.items ?? []} />, width: "w-36" },
    mayOrder && {
      id: "order",
      header: t("models.order"),
      cell: (m) => {
        const at = rows.indexOf(m);
        return (
          <span className="inline-flex">
            <IconButton icon={ArrowUp} label={t("models.moveUp", { name: m.displayName })} size="dense" iconSize={16} disabledReason={at === 0 && t("models.isFirst")} isDisabled={moving} onPress={() => void move(at, at - 1)} />
            <IconButton icon={ArrowDown} label={t("models.moveDown", { name: m.displayName })} size="dense" iconSize={16} disabledReason={at === rows.length - 1 && t("models.isLast")} isDisabled={moving} onPress={() => void move(at, at + 1)} />
          </span>
        );
      },
      width: "w-30",
      align: "end",
      from: "narrow",
    },
  ];
  const columns = all.filter((c) => c !== false);

  const noConnection = connections.data?.items.length === 0;
  const addButton = noConnection ? (
    <ButtonLink to="/admin/connections" search={{ add: "1" }} tone="primary" size="dense" icon={Plus}>
      {t("connections.add")}
    </ButtonLink>
  ) : (
    <Button tone="primary" size="dense" icon={Plus} onPress={() => void navigate({ search: { add: "1" } })}>
      {t("models.add")}
    </Button>
  );

  return (
    <ListPage
      title={t("models.title")}
      query={catalogue}
      columns={columns}
      rowName={(m) => m.displayName}
      current={id}
      onOpen={open}
      writes="model.write"
      add={addButton}
      empty={{ icon: Boxes, title: t("models.empty"), hint: noConnection ? t("models.emptyNoConnection") : t("models.emptyHint") }}
    >
      {current && <ModelPanel key={current.id} model={current} connectionName={connectionName(current)} onClose={() => open()} />}
      {add && connections.data && connections.data.items.length > 0 && <AddModelsDialog connections={connections.data.items} connectionId={add} taken={rows} onClose={() => void navigate({ search: {} })} />}
    </ListPage>
  );
}
