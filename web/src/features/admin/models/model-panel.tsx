import { useQueryClient, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { CatalogueModel } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { usePlaceText } from "@/lib/place";
import { TextLink } from "@/ui/button";
import { Switch } from "@/ui/choice";
import { Detail, Details } from "@/ui/details";
import { PanelSection } from "@/ui/drawer";
import { useAct } from "@/ui/use-act";
import { EntryPanel } from "../entry-panel";
import { useVerdictText, Verdict } from "../residency/verdict";
import { whoMay } from "./audience";
import { catalogueQuery, changeModel, deleteModel, refreshModels } from "./api";
import { enabledKey, pricedByTokens, useCapabilityText, useTokens } from "./capability-list";
import { ModelDialog } from "./model-dialog";
import { LimitsAndRoutes } from "./route-list";

interface Props {
  model: CatalogueModel;
  connectionName: string;
  onClose: () => void;
}

/** One model of the catalogue. */
export function ModelPanel({ model, connectionName, onClose }: Props) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const format = useFormats();
  const tokens = useTokens();
  const abilityText = useCapabilityText();
  const placeText = usePlaceText();
  const verdictText = useVerdictText();
  const client = useQueryClient();
  const act = useAct();
  const catalogue = useQuery(catalogueQuery);
  const others = catalogue.data?.items ?? [];
  const fallback = others.find((m) => m.id === model.fallbackId);
  const { defaults, price } = model;
  const talks = model.task === "chat";
  const money = (n: number | undefined) => (price.currency && n !== undefined ? format.money(n, price.currency) : t("models.asInput"));

  return (
    <EntryPanel
      writes="model.write"
      title={model.displayName}
      subtitle={connectionName}
      onClose={onClose}
      edit={(close) => <ModelDialog model={model} others={others.filter((m) => m.id !== model.id)} onClose={close} />}
      deletion={{
        title: t("models.deleteTitle", { name: model.displayName }),
        consequences: <p>{t("models.deleteBody")}</p>,
        run: async () => {
          await deleteModel(model.id);
          await refreshModels(client);
        },
        done: t("models.deleted", { name: model.displayName }),
      }}
    >
      <PanelSection title={t("models.offer")}>
        <Switch
          atEnd
          isSelected={model.enabled}
          onChange={(enabled) =>
            void act(async () => {
              await changeModel(model.id, { enabled });
              await refreshModels(client);
            })
          }
          hint={talks && t("models.enabledHint")}
        >
          {t(enabledKey(model.task))}
        </Switch>
        <Details className="mt-3">
          <Detail name={t("models.who")}>{format.list(whoMay(model, t)) || t("models.nobody")}</Detail>
          <Detail name={t("models.fallback")}>{fallback?.displayName ?? common("none")}</Detail>
          {model.light && <Detail name={t("models.use")}>{t("models.lightLong")}</Detail>}
        </Details>
      </PanelSection>
      {model.residency && (
        <PanelSection title={t("models.processed")}>
          <p>{placeText(model.residency.place)}</p>
          <p className="mt-1">
            <Verdict decision={model.residency} />
          </p>
          <p className="mt-1 text-muted">{verdictText(model.residency)}</p>
          <p className="mt-2">
            <TextLink to="/admin/residency" search={{ model: model.id }}>
              {t("models.explain")}
            </TextLink>
          </p>
        </PanelSection>
      )}
      <LimitsAndRoutes model={model} />
      <PanelSection title={t("models.abilities")}>
        <Details>
          <Detail name={t("models.remoteId")}>
            <code className="font-mono text-14 break-all">{model.remoteId}</code>
          </Detail>
          <Detail name={t("models.reads")}>{abilityText(model)}</Detail>
          {talks && <Detail name={t("models.context")}>{tokens(model.capabilities.contextTokens)}</Detail>}
          {talks && <Detail name={t("models.output")}>{tokens(model.capabilities.outputTokens)}</Detail>}
        </Details>
      </PanelSection>
      {talks && Object.values(defaults).some((v) => v !== undefined) && (
        <PanelSection title={t("models.defaults")}>
          <Details>
            {defaults.temperature !== undefined && <Detail name={t("models.temperature")}>{defaults.temperature}</Detail>}
            {defaults.topP !== undefined && <Detail name={t("models.topP")}>{defaults.topP}</Detail>}
            {defaults.maxTokens !== undefined && <Detail name={t("models.maxTokens")}>{tokens(defaults.maxTokens)}</Detail>}
            {defaults.reasoningEffort && <Detail name={t("models.effort")}>{t(`models.effortLevel.${defaults.reasoningEffort}`)}</Detail>}
          </Details>
        </PanelSection>
      )}
      {pricedByTokens.includes(model.task) && <PanelSection title={price.currency ? t("models.pricePer") : t("models.price")}>
        {price.currency ? (
          <Details>
            <Detail name={t("models.priceInput")}>{money(price.input)}</Detail>
            {talks && <Detail name={t("models.priceOutput")}>{money(price.output)}</Detail>}
            {talks && <Detail name={t("models.priceCacheRead")}>{money(price.cacheRead)}</Detail>}
            {talks && <Detail name={t("models.priceCacheWrite")}>{money(price.cacheWrite)}</Detail>}
          </Details>
        ) : (
          <p className="text-muted">{t("models.noPrice")}</p>
        )}
      </PanelSection>}
    </EntryPanel>
  );
}
