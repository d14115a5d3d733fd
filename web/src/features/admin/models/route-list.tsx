import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { CatalogueModel } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { useFormats } from "@/lib/format";
import { usePlaceText } from "@/lib/place";
import { Detail, Details } from "@/ui/details";
import { PanelSection } from "@/ui/drawer";
import { State } from "@/ui/state";
import { connectionsQuery } from "../connections/api";
import { catalogueQuery } from "./api";

/** How often who is answered and who waits is asked again, in milliseconds. */
const refresh = 5_000;

/** How much of a model may be used, who waits for it, and the ways to it. */
export function LimitsAndRoutes({ model }: { model: CatalogueModel }) {
  const { t } = useTranslation("admin");
  const format = useFormats();
  const placeText = usePlaceText();
  const connections = useQuery(connectionsQuery).data?.items ?? [];
  useQuery({ ...catalogueQuery, refetchInterval: refresh }); // not while the page is hidden
  const { limits, line, routes, rests = [] } = model;
  const isOff = (id: string) => connections.some((c) => c.id === id && !c.enabled);
  const nameOf = (id: string) => connections.find((c) => c.id === id)?.name ?? id;
  const limit = (n: number, unit: string) => (n > 0 ? `${format.number(n)} ${unit}` : t("models.noLimit"));
  const ways = [{ connectionId: model.connectionId, remoteId: model.remoteId, weight: model.weight, priority: 1, residency: model.residency }, ...routes];
  return (
    <>
      <PanelSection title={t("models.limits")}>
        <Details>
          <Detail name={t("models.concurrent")}>{limit(limits.concurrent, t("models.concurrentUnit"))}</Detail>
          <Detail name={t("models.requestsPerMinute")}>{limit(limits.requestsPerMinute, t("models.requestUnit"))}</Detail>
          <Detail name={t("models.tokensPerMinute")}>{limit(limits.tokensPerMinute, t("models.tokenUnit"))}</Detail>
          <Detail name={t("models.now")}>
            {t("models.lineNow", { running: format.number(line?.running ?? 0), waiting: format.number(line?.waiting ?? 0) })}
            {line?.ceiling ? <span className="block text-14 text-muted">{t("models.ceiling", { n: format.number(line.ceiling) })}</span> : null}
          </Detail>
        </Details>
      </PanelSection>
      {(routes.length > 0 || rests.length > 0) && (
        <PanelSection title={t("models.routes")}>
          <ul className="grid gap-3">
            {ways.map((way) => {
              const rest = rests.find((r) => r.connectionId === way.connectionId && r.remoteId === way.remoteId);
              return (
                <li key={`${way.connectionId} ${way.remoteId}`} className="rounded-8 border border-rule p-3">
                  <p className="font-bold [overflow-wrap:anywhere]">{nameOf(way.connectionId)}</p>
                  <p className="font-mono text-14 break-all text-muted">{way.remoteId}</p>
                  <p className="text-14 text-muted">
                    {format.facts(routes.length > 0 && t("models.priorityN", { n: way.priority }), routes.length > 0 && t("models.weightN", { n: way.weight }), way.residency && placeText(way.residency.place))}
                  </p>
                  {way.residency && !way.residency.allowed && <State tone="stop">{t("models.routeBarred")}</State>}
                  {isOff(way.connectionId) ? <State tone="off">{t("models.connectionOff")}</State> : rest && <Resting rest={rest} />}
                </li>
              );
            })}
          </ul>
        </PanelSection>
      )}
    </>
  );
}

function Resting({ rest }: { rest: NonNullable<CatalogueModel["rests"]>[number] }) {
  const { t } = useTranslation("admin");
  const format = useFormats();
  const { what } = useErrorTextOf()({ code: rest.code, params: {}, detail: "" });
  return (
    <p className="mt-1 text-14">
      <State tone="wait">{t("models.restsUntil", { time: format.time(rest.until) })}</State>
      <span className="block text-muted">{t("models.lastFailure", { what })}</span>
    </p>
  );
}
