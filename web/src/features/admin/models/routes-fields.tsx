import { Plus, Trash2 } from "lucide-react";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { CatalogueModel, Connection } from "@/lib/api/types";
import { Button, IconButton } from "@/ui/button";
import { Select } from "@/ui/select";
import { NumberField, TextField } from "@/ui/text-field";

/** A route as it is edited. */
export type RouteDraft = Pick<CatalogueModel["routes"][number], "connectionId" | "remoteId" | "weight" | "priority">;

interface Props {
  model: CatalogueModel;
  /** Of the same kind as the model's own, which is among them. */
  connections: Connection[];
  weight: number;
  onWeight: (weight: number) => void;
  routes: RouteDraft[];
  onRoutes: (routes: RouteDraft[]) => void;
  /** What was refused of a route. */
  error: RouteError | undefined;
}

/** What was refused of one field of one route. */
export interface RouteError {
  at: number;
  field: keyof RouteDraft;
  text: string;
}

const most = 20;

/** The ways to a model: its own connection, and others beside or behind it. */
export function RoutesFields({ model, connections, weight, onWeight, routes, onRoutes, error }: Props) {
  const { t } = useTranslation("admin");
  const change = (at: number, part: Partial<RouteDraft>) => onRoutes(routes.map((route, i) => (i === at ? { ...route, ...part } : route)));
  const errorOf = (at: number, field: keyof RouteDraft) => (error?.at === at && error.field === field ? error.text : undefined);
  const own = connections.find((c) => c.id === model.connectionId);
  const next = connections.find((c) => c.id !== model.connectionId && !routes.some((r) => r.connectionId === c.id)) ?? connections.find((c) => c.id !== model.connectionId);
  return (
    <div className="grid gap-4 md:col-span-2">
      {routes.length > 0 && (
        <ul className="grid gap-4">
          <RouteCard title={own?.name ?? t("models.connection")} note={t("models.ownRoute")}>
            <NumberField size="dense" label={t("models.weight")} value={weight} onChange={onWeight} min={1} max={1000} />
          </RouteCard>
          {routes.map((route, i) => (
            <RouteCard
              key={i}
              title={t("models.routeN", { n: i + 1 })}
              act={<IconButton icon={Trash2} size="dense" label={t("models.removeRoute", { n: i + 1 })} onPress={() => onRoutes(routes.filter((_, at) => at !== i))} />}
            >
              <Select
                size="dense"
                label={t("models.connection")}
                value={route.connectionId}
                onChange={(connectionId) => change(i, { connectionId })}
                error={errorOf(i, "connectionId")}
                options={connections.map((c) => ({ value: c.id, label: c.name }))}
              />
              <TextField size="dense" label={t("models.remoteId")} mono autoComplete="off" value={route.remoteId} onChange={(remoteId) => change(i, { remoteId })} error={errorOf(i, "remoteId")} />
              <NumberField size="dense" label={t("models.priority")} value={route.priority} onChange={(priority) => change(i, { priority })} error={errorOf(i, "priority")} min={1} max={9} />
              <NumberField size="dense" label={t("models.weight")} value={route.weight} onChange={(n) => change(i, { weight: n })} error={errorOf(i, "weight")} min={1} max={1000} />
            </RouteCard>
          ))}
        </ul>
      )}
      {next ? (
        routes.length < most && (
          <div>
            <Button size="dense" icon={Plus} onPress={() => onRoutes([...routes, { connectionId: next.id, remoteId: model.remoteId, weight: 1, priority: 1 }])}>
              {t("models.addRoute")}
            </Button>
          </div>
        )
      ) : (
        <p className="text-14 text-muted">{t("models.noOtherConnection")}</p>
      )}
    </div>
  );
}

function RouteCard({ title, note, act, children }: { title: string; note?: string; act?: React.ReactNode; children: React.ReactNode }) {
  const id = useId();
  return (
    <li aria-labelledby={id} className="rounded-8 border border-rule p-3">
      <div className="mb-2 flex min-h-9 items-center justify-between gap-2">
        <p id={id}>
          <span className="font-bold">{title}</span>
          {note && <span className="ml-2 text-14 text-muted">{note}</span>}
        </p>
        {act}
      </div>
      <div className="grid gap-x-6 gap-y-3 md:grid-cols-2">{children}</div>
    </li>
  );
}
