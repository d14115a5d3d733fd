import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { CatalogueModel, Connection, RemoteModel } from "@/lib/api/types";
import { matches } from "@/lib/match";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { Checkbox } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Select } from "@/ui/select";
import { Bar, Skeleton } from "@/ui/skeleton";
import { SearchField, TextField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { remoteModelsQuery } from "../connections/api";
import { addModel, refreshModels } from "./api";
import { useCapabilityText } from "./capability-list";

interface Props {
  connections: Connection[];
  /** The connection to begin with, if it is one. */
  connectionId: string;
  taken: CatalogueModel[];
  onClose: () => void;
}

const unknown = { vision: false, documents: false, reasoning: false, tools: false, contextTokens: 0, outputTokens: 0 };

/** Takes models into the catalogue from what a connection offers, or by name where it does not say. */
export function AddModelsDialog({ connections, connectionId, taken, onClose }: Props) {
  const { t } = useTranslation("admin");
  const { t: ui } = useTranslation("ui");
  const { t: common } = useTranslation("common");
  const client = useQueryClient();
  const abilityText = useCapabilityText();
  const [from, setFrom] = useState(connections.some((c) => c.id === connectionId) ? connectionId : (connections[0]?.id ?? ""));
  const [q, setQ] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const remote = useQuery(remoteModelsQuery(from));
  const offered = remote.data?.items ?? [];
  const has = (remoteId: string) => taken.some((m) => m.connectionId === from && m.remoteId === remoteId);
  const found = offered.filter((m) => matches(`${m.id} ${m.name}`, q.trim()));

  const form = useForm({
    initial: { remoteId: "" },
    validate: (v) => ({ remoteId: chosen.size === 0 && !v.remoteId.trim() ? t("models.chooseOne") : undefined }),
    submit: async (v) => {
      const typed = v.remoteId.trim();
      const models: (Omit<RemoteModel, "task"> & Partial<Pick<RemoteModel, "task">>)[] = [...offered.filter((m) => chosen.has(m.id)), ...(typed ? [{ id: typed, name: typed, capabilities: unknown }] : [])];
      try {
        for (const m of models) {
          await addModel({ connectionId: from, remoteId: m.id, displayName: m.name || m.id, task: m.task, capabilities: m.capabilities, options: m.options, enabled: true });
        }
      } finally {
        await refreshModels(client);
      }
      toast({ text: t("models.added", { count: models.length }) });
      onClose();
    },
  });

  const count = chosen.size + (form.values.remoteId.trim() ? 1 : 0);
  const toggle = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };

  return (
    <Dialog
      title={t("models.addTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={common("adding")} onPress={() => void form.submit()}>
            {count > 0 ? t("models.addCount", { count }) : common("add")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <Select
          label={t("models.connection")}
          value={from}
          onChange={(next) => {
            setFrom(next);
            setChosen(new Set());
          }}
          options={connections.map((c) => ({ value: c.id, label: c.name }))}
        />
        {remote.isPending ? (
          <Skeleton label={t("models.asking")}>
            <div className="grid gap-3 py-2">
              <Bar className="w-3/4" />
              <Bar className="w-2/3" />
              <Bar className="w-4/5" />
            </div>
          </Skeleton>
        ) : remote.error ? (
          <>
            <ErrorNotice error={remote.error} onRetry={() => void remote.refetch()} />
            <TextField {...form.field("remoteId")} label={t("models.remoteId")} hint={t("models.remoteIdHint")} mono autoComplete="off" />
          </>
        ) : (
          <fieldset className="grid gap-2">
            <legend className="mb-1.5 font-bold">{t("models.offered", { count: offered.length })}</legend>
            {offered.length > 6 && <SearchField label={t("models.search")} value={q} onChange={setQ} />}
            <div className="max-h-72 overflow-y-auto rounded-8 border border-rule px-3 py-1">
              {found.map((m) => (
                <Checkbox key={m.id} className="w-full" isDisabled={has(m.id)} isSelected={chosen.has(m.id) || has(m.id)} onChange={(on) => toggle(m.id, on)} hint={has(m.id) ? t("models.taken") : abilityText(m)}>
                  <span className="break-all">{m.name || m.id}</span>
                </Checkbox>
              ))}
              {found.length === 0 && <p className="py-2 text-14 text-muted">{ui("noMatch")}</p>}
            </div>
            <TextField {...form.field("remoteId")} label={t("models.remoteIdOther")} optional hint={t("models.remoteIdHint")} size="dense" mono autoComplete="off" />
          </fieldset>
        )}
      </form>
    </Dialog>
  );
}
