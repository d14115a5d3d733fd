import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { may, useMe } from "@/features/account/api";
import { useDebounced } from "@/lib/use-debounced";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { Checkbox, CheckboxGroup, RadioGroup } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Combobox } from "@/ui/select";
import { TextArea, TextField } from "@/ui/text-field";
import { type Prompt, type PromptKind, type Visibility, categoriesQuery, changePrompt, createPrompt, previewQuery, promptQuery, refreshPrompts, shareableGroupsQuery } from "./api";
import { useCategoryName } from "./words";

interface Props {
  /** What is changed; a new one without it. */
  prompt?: Prompt;
  /** What a new one begins with. */
  start?: { kind?: PromptKind; body?: string };
  onClose: () => void;
  onSaved?: (prompt: Prompt) => void;
}

/** Writes a prompt: its text with what it asks for, its name, and who sees it. */
export function PromptDialog(props: Props) {
  const categories = useQuery(categoriesQuery);
  // The field of the category holds a name: it waits for the names.
  return categories.isPending ? null : <Form {...props} />;
}

function Form({ prompt, start, onClose, onSaved }: Props) {
  const { t } = useTranslation("library");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const { account } = useMe();
  const client = useQueryClient();
  const formId = useId();
  const categories = useQuery(categoriesQuery);
  const categoryName = useCategoryName();
  const official = may(account, "prompt.create_official");
  const groups = useQuery(shareableGroupsQuery(may(account, "group.read")));
  const [base, setBase] = useState(prompt?.version ?? 0);
  const [theirs, setTheirs] = useState<Prompt>();

  const form = useForm({
    initial: {
      kind: prompt?.kind ?? start?.kind ?? ("message" as PromptKind),
      name: prompt?.name ?? "",
      command: prompt?.command ?? "",
      description: prompt?.description ?? "",
      category: prompt?.category ? categoryName(prompt.category) : "",
      body: prompt?.body ?? start?.body ?? "",
      visibility: prompt?.visibility ?? ("private" as Visibility),
      groupIds: prompt?.groupIds ?? [],
      official: prompt?.official ?? false,
      note: "",
    },
    validate: (v) => ({
      name: v.name.trim() ? undefined : common("required"),
      body: v.body.trim() ? undefined : common("required"),
      groupIds: v.visibility === "groups" && v.groupIds.length === 0 ? t("chooseGroup") : undefined,
    }),
    submit: async (v) => {
      const common = { name: v.name.trim(), command: v.command.trim(), description: v.description.trim(), category: v.category.trim() };
      const seen = { visibility: v.visibility, groupIds: v.visibility === "groups" ? v.groupIds : [] };
      const saved = prompt
        ? await changePrompt(prompt.id, { ...common, ...seen, ...(v.body !== prompt.body && { body: v.body, baseVersion: base, note: v.note.trim() || undefined }) })
        : await createPrompt({ ...common, ...seen, kind: v.kind, body: v.body, official: v.official || undefined });
      client.setQueryData(promptQuery(saved.id).queryKey, saved);
      void refreshPrompts(client);
      onSaved?.(saved);
      onClose();
    },
    fieldError: (err) => {
      if (err.code === "conflict" && err.field === "command") return { command: t("commandTaken") };
      if (err.code === "invalid_input" && err.field === "command") return { command: t("commandHint") };
      if (err.code === "invalid_input" && err.field === "body") return { body: err.detail };
      return {};
    },
  });
  const { values, set } = form;
  const newer = form.failure?.code === "conflict" && form.failure.field === "";
  const visibilities: Visibility[] = values.official ? ["groups", "everyone"] : ["private", "groups", "everyone"];

  return (
    <Dialog
      title={prompt ? t("editTitle", { name: prompt.name }) : t("newTitle")}
      size="large"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" type="submit" form={formId} isPending={form.pending} pendingLabel={common("saving")}>
            {common("save")}
          </Button>
        </>
      }
    >
      <form {...form.form} id={formId} className="grid gap-5">
        {newer && prompt ? (
          <Notice
            tone="warning"
            live
            title={t("newerTitle")}
            actions={
              <>
                <Button size="dense" onPress={() => void client.fetchQuery({ ...promptQuery(prompt.id), staleTime: 0 }).then((latest) => (setTheirs(latest), setBase(latest.version)))}>
                  {t("newerShow")}
                </Button>
              </>
            }
          >
            {t("newerHint")}
          </Notice>
        ) : (
          form.failure && <ErrorNotice error={form.failure} />
        )}
        {theirs && (
          <section aria-label={t("newerText")} className="grid gap-2">
            <h3 className="text-14">{t("newerText")}</h3>
            <p className="max-h-40 overflow-auto rounded-8 bg-surface-raised px-3 py-2 text-14 leading-prose whitespace-pre-wrap">{theirs.body}</p>
            <p className="text-14 text-muted">{t("newerThen")}</p>
          </section>
        )}
        {!prompt && !start?.kind && (
          <RadioGroup<PromptKind>
            label={t("kind")}
            layout="row"
            value={values.kind}
            onChange={(kind) => set("kind", kind)}
            options={[
              { value: "message", label: t("kindMessage"), hint: t("kindMessageHint") },
              { value: "system", label: t("kindSystem"), hint: t("kindSystemHint") },
            ]}
          />
        )}
        <TextField {...form.field("name")} label={t("name")} autoFocus maxLength={100} />
        <TextArea {...form.field("body")} label={t("body")} rows={6} hint={t("bodyHint", { example: `{{${t("sampleName")}}}`, long: `{{${t("sampleText")}:long}}`, choice: `{{${t("sampleChoice")}}}`, date: `{{${t("sampleDate")}}}` })} />
        <Preview body={values.body} locale={prompt?.locale ?? "any"} />
        <div className="grid grid-cols-2 gap-4 max-md:grid-cols-1">
          {values.kind === "message" && <TextField {...form.field("command")} label={t("command")} optional hint={t("commandHint")} maxLength={41} placeholder={t("commandExample")} />}
          <Combobox {...form.field("category")} label={t("category")} optional options={(categories.data?.items ?? []).map((c) => ({ value: categoryName(c.id), label: categoryName(c.id) }))} />
        </div>
        <TextField {...form.field("description")} label={t("description")} optional maxLength={500} />
        {prompt && values.body !== prompt.body && <TextField {...form.field("note")} label={t("note")} optional hint={t("noteHint")} maxLength={200} />}
        {official && !prompt && (
          <Checkbox
            isSelected={values.official}
            onChange={(official) => {
              set("official", official);
              if (official && values.visibility === "private") set("visibility", "everyone");
            }}
            hint={t("makeOfficialHint")}
          >
            {t("makeOfficial")}
          </Checkbox>
        )}
        <RadioGroup<Visibility>
          label={t("visibility")}
          value={values.visibility}
          onChange={(visibility) => set("visibility", visibility)}
          options={visibilities.map((value) => ({ value, label: t(`visible.${value}`) }))}
        />
        {values.visibility === "groups" &&
          (groups.error ? (
            <ErrorNotice error={groups.error} onRetry={() => void groups.refetch()} />
          ) : groups.data?.items.length === 0 ? (
            <p className="text-14 text-muted">{t("noGroups")}</p>
          ) : (
            <CheckboxGroup label={t("groups")} value={values.groupIds} onChange={(ids) => set("groupIds", ids)} error={form.errors.groupIds} options={(groups.data?.items ?? []).map((g) => ({ value: g.id, label: g.name }))} />
          ))}
      </form>
    </Dialog>
  );
}

/** What the text will ask for, as the server reads it. */
function Preview({ body, locale }: { body: string; locale: Prompt["locale"] }) {
  const { t } = useTranslation("library");
  const preview = useQuery(previewQuery(useDebounced(body, 400), locale));
  if (body.trim() === "") return null;
  return (
    <section aria-label={t("preview")} className="rounded-8 border border-rule px-4 py-3 text-14">
      <h3 className="text-14">{t("variables")}</h3>
      {preview.error ? (
        <p role="status" className="mt-1 text-danger">
          {t("previewFailed")}
        </p>
      ) : !preview.data ? null : preview.data.variables.length === 0 ? (
        <p className="mt-1 text-muted">{t("noVariables")}</p>
      ) : (
        <>
          <ul className="mt-2 flex flex-wrap gap-2">
            {preview.data.variables.map((v) => (
              <li key={v.name} className="rounded-4 border border-strong px-2 py-0.5">
                <b>{v.name}</b> <span className="text-muted">{t(`types.${v.type}`)}</span>
                {v.default && <span className="text-muted"> = {v.default}</span>}
              </li>
            ))}
          </ul>
          {/* With gaps that nothing fills yet it would read as a broken sentence. */}
          {preview.data.variables.every((v) => v.default) && <p className="mt-3 max-h-32 overflow-auto leading-prose whitespace-pre-wrap text-muted">{preview.data.text}</p>}
        </>
      )}
    </section>
  );
}
