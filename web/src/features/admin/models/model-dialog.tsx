import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { CatalogueModel, ModelChange, Parameters } from "@/lib/api/types";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { Checkbox, CheckboxGroup, RadioGroup } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Select } from "@/ui/select";
import { NumberField, TextField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { connectionsQuery } from "../connections/api";
import { groupsQuery } from "../groups/api";
import { audienceOf, grantsOf, groupsOf, whoMay, type Audience } from "./audience";
import { changeModel, refreshModels } from "./api";
import { abilities, enabledKey, pricedByTokens, tasks } from "./capability-list";
import { type RouteDraft, type RouteError, RoutesFields } from "./routes-fields";

type Effort = NonNullable<Parameters["reasoningEffort"]> | "";

interface Values {
  displayName: string;
  description: string;
  remoteId: string;
  task: CatalogueModel["task"];
  abilities: string[];
  contextTokens: number;
  outputTokens: number;
  temperature: number;
  topP: number;
  maxTokens: number;
  reasoningEffort: Effort;
  enabled: boolean;
  light: boolean;
  fallbackId: string;
  audience: Audience;
  groupIds: string[];
  currency: "JPY" | "USD" | "";
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  concurrent: number;
  requestsPerMinute: number;
  tokensPerMinute: number;
  weight: number;
  routes: RouteDraft[];
}

function valuesOf(m: CatalogueModel): Values {
  return {
    displayName: m.displayName,
    description: m.description,
    remoteId: m.remoteId,
    task: m.task,
    abilities: abilities.filter((a) => m.capabilities[a]),
    contextTokens: m.capabilities.contextTokens || NaN,
    outputTokens: m.capabilities.outputTokens || NaN,
    temperature: m.defaults.temperature ?? NaN,
    topP: m.defaults.topP ?? NaN,
    maxTokens: m.defaults.maxTokens ?? NaN,
    reasoningEffort: m.defaults.reasoningEffort ?? "",
    enabled: m.enabled,
    light: m.light,
    fallbackId: m.fallbackId,
    audience: audienceOf(m),
    groupIds: groupsOf(m),
    currency: m.price.currency,
    input: m.price.currency ? m.price.input : NaN,
    output: m.price.currency ? m.price.output : NaN,
    cacheRead: m.price.cacheRead ?? NaN,
    cacheWrite: m.price.cacheWrite ?? NaN,
    concurrent: m.limits.concurrent || NaN,
    requestsPerMinute: m.limits.requestsPerMinute || NaN,
    tokensPerMinute: m.limits.tokensPerMinute || NaN,
    weight: m.weight,
    routes: m.routes.map(({ connectionId, remoteId, weight, priority }) => ({ connectionId, remoteId, weight, priority })),
  };
}

const given = (n: number) => (Number.isNaN(n) ? undefined : n);
const or0 = (n: number) => (Number.isNaN(n) ? 0 : n);

/** What is sent for a form. */
function draftOf(v: Values): ModelChange {
  return {
    displayName: v.displayName.trim(),
    description: v.description.trim(),
    remoteId: v.remoteId.trim(),
    task: v.task,
    capabilities: {
      vision: v.abilities.includes("vision"),
      documents: v.abilities.includes("documents"),
      video: v.abilities.includes("video"),
      reasoning: v.abilities.includes("reasoning"),
      tools: v.abilities.includes("tools"),
      contextTokens: or0(v.contextTokens),
      outputTokens: or0(v.outputTokens),
    },
    defaults: { temperature: given(v.temperature), topP: given(v.topP), maxTokens: given(v.maxTokens), reasoningEffort: v.reasoningEffort || undefined },
    enabled: v.enabled,
    light: v.task === "chat" && v.light,
    fallbackId: v.fallbackId,
    grants: grantsOf(v.audience, v.groupIds),
    price: v.currency ? { currency: v.currency, input: or0(v.input), output: or0(v.output), cacheRead: given(v.cacheRead), cacheWrite: given(v.cacheWrite) } : { currency: "", input: 0, output: 0 },
    limits: { concurrent: or0(v.concurrent), requestsPerMinute: or0(v.requestsPerMinute), tokensPerMinute: or0(v.tokensPerMinute) },
    weight: given(v.weight) ?? 1,
    routes: v.routes.map((route) => ({ ...route, remoteId: route.remoteId.trim(), weight: given(route.weight) ?? 1, priority: given(route.priority) ?? 1 })),
  };
}

interface Props {
  model: CatalogueModel;
  others: CatalogueModel[];
  onClose: () => void;
}

/** Changes a model of the catalogue. */
export function ModelDialog({ model, others, onClose }: Props) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const client = useQueryClient();
  const groups = useQuery(groupsQuery);
  const connections = useQuery(connectionsQuery).data?.items ?? [];
  const kind = connections.find((c) => c.id === model.connectionId)?.kind;
  const [refusedRoute, setRefusedRoute] = useState<RouteError>();
  const routeRefusal = (field: string, reason: string | undefined) => {
    switch (field) {
      case "connectionId":
        return t(reason === "twice" ? "models.routeRefused.twice" : reason === "kind" ? "models.routeRefused.kind" : "models.routeRefused.gone");
      case "remoteId":
        return t("models.routeRefused.remoteId");
      default:
        return common("refused");
    }
  };
  const form = useForm<Values>({
    initial: valuesOf(model),
    validate: (v) => ({
      displayName: v.displayName.trim() ? undefined : common("required"),
      remoteId: v.remoteId.trim() ? undefined : common("required"),
      groupIds: v.audience === "groups" && v.groupIds.length === 0 ? t("models.chooseGroup") : undefined,
    }),
    submit: async (v) => {
      await changeModel(model.id, draftOf(v));
      await refreshModels(client);
      toast({ text: t("models.changed", { name: v.displayName.trim() }) });
      onClose();
    },
    fieldError: (err) => {
      const route = /^routes\[(\d+)\]\.(connectionId|remoteId|weight|priority)$/.exec(err.field);
      if (route) {
        const text = routeRefusal(route[2] ?? "", err.params.reason);
        setRefusedRoute({ at: Number(route[1]), field: route[2] as keyof RouteDraft, text });
        return { routes: text };
      }
      const field = err.field.split(".").at(-1) ?? "";
      return field in valuesOf(model) ? { [field]: field === "task" ? t("models.cannotTask") : common("refused") } : {};
    },
  });
  const v = form.values;
  const talks = v.task === "chat";

  return (
    <Dialog
      title={t("models.editTitle", { name: model.displayName })}
      size="large"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={common("saving")} onPress={() => void form.submit()}>
            {common("save")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid gap-6">
        {form.failure && <ErrorNotice error={form.failure} />}
        <Part title={t("models.looks")}>
          <TextField {...form.field("displayName")} label={t("models.name")} autoComplete="off" />
          <TextField {...form.field("remoteId")} label={t("models.remoteId")} mono autoComplete="off" />
          <div className="md:col-span-2">
            <Select
              label={t("models.task")}
              hint={t(`models.taskHint.${v.task}`)}
              value={v.task}
              onChange={(task) => {
                form.set("task", task);
                form.set("fallbackId", ""); // it stood in for another task
              }}
              error={form.errors.task}
              options={tasks.map((task) => ({ value: task, label: t(`models.taskOf.${task}`) }))}
            />
          </div>
          {talks && (
            <div className="md:col-span-2">
              <TextField {...form.field("description")} label={t("models.description")} hint={t("models.descriptionHint")} optional autoComplete="off" />
            </div>
          )}
        </Part>
        <Part title={t("models.offer")}>
          <div className="grid content-start gap-2">
            <Checkbox isSelected={v.enabled} onChange={(on) => form.set("enabled", on)} hint={talks && t("models.enabledHint")}>
              {t(enabledKey(v.task))}
            </Checkbox>
            {talks && (
              <Checkbox isSelected={v.light} onChange={(on) => form.set("light", on)} hint={t("models.lightHint")}>
                {t("models.lightLong")}
              </Checkbox>
            )}
            <Select
              label={t("models.fallback")}
              hint={t("models.fallbackHint")}
              value={v.fallbackId}
              onChange={(id) => form.set("fallbackId", id)}
              options={[{ value: "", label: common("none") }, ...others.filter((m) => m.task === v.task).map((m) => ({ value: m.id, label: m.displayName }))]}
            />
          </div>
          <div className="grid content-start gap-2">
            <RadioGroup
              label={t("models.who")}
              value={v.audience}
              onChange={(audience) => form.set("audience", audience)}
              options={[
                { value: "everyone", label: t("models.everyone") },
                { value: "groups", label: t("models.onlyGroups") },
                ...(model && audienceOf(model) === "asSet" ? [{ value: "asSet" as const, label: t("models.asSet"), hint: whoMay(model, t).join(" ") }] : []),
              ]}
            />
            {v.audience === "groups" &&
              (groups.data && groups.data.items.length > 0 ? (
                <div className="pl-8">
                  <CheckboxGroup
                    label={t("accounts.groups")}
                    hideLabel
                    value={v.groupIds}
                    onChange={(ids) => form.set("groupIds", ids)}
                    error={form.errors.groupIds}
                    options={groups.data.items.map((g) => ({ value: g.id, label: g.name }))}
                  />
                </div>
              ) : (
                <p className="pl-8 text-14 text-muted">{t("models.noGroups")}</p>
              ))}
          </div>
        </Part>
        <Part title={t("models.limits")} hint={t("models.limitsHint")}>
          <NumberField {...form.field("concurrent")} label={t("models.concurrent")} hint={t("models.concurrentHint")} unit={t("models.concurrentUnit")} min={1} />
          <NumberField {...form.field("requestsPerMinute")} label={t("models.requestsPerMinute")} unit={t("models.requestUnit")} min={1} />
          <NumberField {...form.field("tokensPerMinute")} label={t("models.tokensPerMinute")} hint={t("models.tokensPerMinuteHint")} unit={t("models.tokenUnit")} min={1} />
        </Part>
        <Part title={t("models.routes")} hint={t("models.routesHint")}>
          <RoutesFields
            model={model}
            connections={connections.filter((c) => c.kind === kind)}
            weight={v.weight}
            onWeight={(weight) => form.set("weight", weight)}
            routes={v.routes}
            onRoutes={(routes) => form.set("routes", routes)}
            error={form.errors.routes === undefined ? undefined : refusedRoute}
          />
        </Part>
        {talks && (
          <>
            <Part title={t("models.abilities")}>
              <CheckboxGroup
                label={t("models.reads")}
                value={v.abilities}
                onChange={(chosen) => form.set("abilities", chosen)}
                options={abilities.map((a) => ({ value: a, label: t(`models.abilityLong.${a}`) }))}
              />
              <div className="grid content-start gap-4">
                <NumberField {...form.field("contextTokens")} label={t("models.context")} hint={t("models.unknownHint")} unit={t("models.tokenUnit")} min={0} />
                <NumberField {...form.field("outputTokens")} label={t("models.output")} unit={t("models.tokenUnit")} min={0} />
              </div>
            </Part>
            <Part title={t("models.defaults")} hint={t("models.defaultsHint")}>
              <NumberField {...form.field("temperature")} label={t("models.temperature")} hint={t("models.temperatureHint")} min={0} max={2} step={0.1} fractionDigits={2} />
              <NumberField {...form.field("topP")} label={t("models.topP")} min={0} max={1} step={0.05} fractionDigits={2} />
              <NumberField {...form.field("maxTokens")} label={t("models.maxTokens")} unit={t("models.tokenUnit")} min={1} />
              {v.abilities.includes("reasoning") && (
                <Select<Effort>
                  label={t("models.effort")}
                  value={v.reasoningEffort}
                  onChange={(effort) => form.set("reasoningEffort", effort)}
                  options={(["", "none", "low", "medium", "high"] as const).map((e) => ({ value: e, label: e === "" ? t("models.effortAuto") : t(`models.effortLevel.${e}`) }))}
                />
              )}
            </Part>
          </>
        )}
        {pricedByTokens.includes(v.task) && (
            <Part title={t("models.price")} hint={t("models.priceHint")}>
              <div className="md:col-span-2">
                <RadioGroup
                  label={t("models.currency")}
                  layout="row"
                  value={v.currency}
                  onChange={(c) => form.set("currency", c)}
                  options={[
                    { value: "", label: t("models.noPrice") },
                    { value: "JPY", label: t("models.yen") },
                    { value: "USD", label: t("models.dollar") },
                  ]}
                />
              </div>
              {v.currency !== "" &&
                (talks ? (["input", "output", "cacheRead", "cacheWrite"] as const) : (["input"] as const)).map((name) => (
                  <NumberField key={name} {...form.field(name)} label={t(`models.priceField.${name}`)} unit={v.currency === "JPY" ? t("models.yen") : t("models.dollar")} min={0} fractionDigits={4} hint={name.startsWith("cache") ? t("models.asInputHint") : undefined} />
                ))}
            </Part>
        )}
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}

function Part({ title, hint, children }: { title: string; hint?: string; children: ReactNode }) {
  return (
    <section className="border-t border-rule pt-5 first:border-t-0 first:pt-0">
      <h3 className="text-16">{title}</h3>
      {hint && <p className="text-14 text-muted">{hint}</p>}
      <div className="mt-3 grid gap-x-6 gap-y-4 md:grid-cols-2">{children}</div>
    </section>
  );
}
