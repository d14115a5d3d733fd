import { useQueryClient } from "@tanstack/react-query";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Select } from "@/ui/select";
import { TextArea, TextField } from "@/ui/text-field";
import { type Prompt, type PromptVariable, refreshPrompts, renderPrompt } from "./api";

interface Props {
  prompt: Prompt;
  /** What happens with the text, as a verb. */
  actLabel: string;
  onClose: () => void;
  onFilled: (text: string) => void;
}

/** Asks for the variables of a prompt; the server writes the text. */
export function FillDialog({ prompt, actLabel, onClose, onFilled }: Props) {
  const { t } = useTranslation("library");
  const { t: ui } = useTranslation("ui");
  const { t: common } = useTranslation("common");
  const client = useQueryClient();
  const formId = useId();
  const form = useForm<Record<string, string>>({
    initial: Object.fromEntries(prompt.variables.map((v) => [v.name, startValue(v)])),
    validate: (values) => Object.fromEntries(prompt.variables.filter((v) => !v.default && !values[v.name]?.trim()).map((v) => [v.name, common("required")])),
    submit: async (values) => {
      const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim() !== ""));
      const { text } = await renderPrompt(prompt.id, given);
      void refreshPrompts(client);
      onFilled(text);
      onClose();
    },
    fieldError: (err) => (err.params.variable ? { [err.params.variable]: t("badValue") } : {}),
  });

  return (
    <Dialog
      title={prompt.name}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" type="submit" form={formId} isPending={form.pending}>
            {actLabel}
          </Button>
        </>
      }
    >
      <form {...form.form} id={formId} className="grid gap-4">
        <p className="text-14 text-muted">{t("fillHint")}</p>
        {form.failure && <ErrorNotice error={form.failure} />}
        {prompt.variables.map((v, i) => (
          <VariableField key={v.name} variable={v} autoFocus={i === 0} {...form.field(v.name)} value={form.values[v.name] ?? ""} />
        ))}
      </form>
    </Dialog>
  );
}

interface FieldProps {
  variable: PromptVariable;
  autoFocus: boolean;
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
}

function VariableField({ variable, ...field }: FieldProps) {
  const { t } = useTranslation("library");
  const optional = Boolean(variable.default);
  switch (variable.type) {
    case "long":
      return <TextArea {...field} label={variable.name} optional={optional} rows={5} />;
    case "date":
      return <TextField {...field} label={variable.name} optional={optional} type="date" />;
    case "number":
      // Not a number field: an input method types full-width digits, which the server takes.
      return <TextField {...field} label={variable.name} optional={optional} inputMode="decimal" hint={t("numberHint")} />;
    case "choice":
      return <Select value={field.value} onChange={field.onChange} error={field.error} label={variable.name} optional={optional} options={(variable.choices ?? []).map((c) => ({ value: c, label: c }))} />;
    case "text":
      return <TextField {...field} label={variable.name} optional={optional} />;
  }
}

function startValue({ type, default: given = "" }: PromptVariable): string {
  return type === "date" && given === "today" ? today() : given;
}

/** Today where the person is, as a date field writes it. */
function today(): string {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
}
