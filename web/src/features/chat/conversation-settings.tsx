import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useModelHint } from "@/features/account/model-text";
import { SystemPromptTools } from "@/features/library/system-prompt-tools";
import type { Model } from "@/lib/api/types";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Select } from "@/ui/select";
import { NumberField, TextArea } from "@/ui/text-field";
import type { Choice, Parameters } from "./api";

interface Props {
  isOpen: boolean;
  onClose: () => void;
  choice: Choice;
  models: readonly Model[];
  /** Rejects when it could not be saved; the dialog then stays. */
  onSave: (choice: Choice) => Promise<unknown>;
}

/** What is chosen for one conversation: model, standing instructions, and how the model answers. */
export function ConversationSettings(props: Props) {
  // Opened anew it begins with what holds now.
  return props.isOpen ? <SettingsDialog {...props} /> : null;
}

const efforts = ["", "none", "low", "medium", "high"] as const;

function SettingsDialog({ onClose, choice, models, onSave }: Props) {
  const { t } = useTranslation("chat");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const [modelId, setModelId] = useState(choice.modelId);
  const [systemPrompt, setSystemPrompt] = useState(choice.systemPrompt);
  const [parameters, setParameters] = useState<Parameters>(choice.parameters);
  const [pending, setPending] = useState(false);
  const model = models.find((one) => one.id === modelId);
  const hint = useModelHint();
  const limit = model?.capabilities.outputTokens || undefined;
  const set = (name: "temperature" | "topP" | "maxTokens") => (value: number) =>
    setParameters((old) => ({ ...old, [name]: Number.isNaN(value) ? undefined : value }));
  const standard = (value: number | undefined) => (value === undefined ? t("modelDefault") : t("modelDefaultIs", { value }));
  const labels = { "": t("modelDefault"), none: t("effortNone"), low: t("effortLow"), medium: t("effortMedium"), high: t("effortHigh") };

  const save = async () => {
    setPending(true);
    try {
      await onSave({ modelId, systemPrompt: systemPrompt.trim(), parameters: given(parameters) });
      onClose();
    } catch {
      // Said by whoever saves; what was entered stays.
    } finally {
      setPending(false);
    }
  };

  return (
    <Dialog
      title={t("settingsTitle")}
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button tone="quiet" className="mr-auto max-md:basis-full" onPress={() => (setParameters({}), setSystemPrompt(""))}>
            {t("settingsReset")}
          </Button>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={pending} pendingLabel={common("saving")} onPress={() => void save()}>
            {common("save")}
          </Button>
        </>
      }
    >
      <div className="grid gap-5">
        <Select label={t("model")} value={modelId} onChange={setModelId} options={models.map((one) => ({ value: one.id, label: one.displayName, hint: hint(one) }))} />
        <TextArea label={t("systemPrompt")} optional hint={t("systemPromptHint")} placeholder={t("systemPromptPlaceholder")} value={systemPrompt} onChange={setSystemPrompt} rows={4} />
        <SystemPromptTools value={systemPrompt} onChange={setSystemPrompt} />
        <fieldset className="grid gap-4 border-t border-rule pt-4">
          <legend className="sr-only">{t("parameters")}</legend>
          <div className="grid grid-cols-2 gap-4 max-md:grid-cols-1">
            <NumberField
              label={t("temperature")}
              hint={t("temperatureHint")}
              value={parameters.temperature ?? Number.NaN}
              onChange={set("temperature")}
              min={0}
              max={2}
              step={0.1}
              fractionDigits={2}
              placeholder={standard(model?.defaults.temperature)}
            />
            <NumberField label={t("topP")} hint={t("topPHint")} value={parameters.topP ?? Number.NaN} onChange={set("topP")} min={0} max={1} step={0.05} fractionDigits={2} placeholder={standard(model?.defaults.topP)} />
            <NumberField label={t("maxTokens")} hint={t("maxTokensHint")} value={parameters.maxTokens ?? Number.NaN} onChange={set("maxTokens")} min={1} max={limit} placeholder={standard(model?.defaults.maxTokens)} />
            {model?.capabilities.reasoning && (
              <Select
                label={t("effort")}
                hint={t("effortHint")}
                value={parameters.reasoningEffort ?? ""}
                onChange={(value) => setParameters((old) => ({ ...old, reasoningEffort: value === "" ? undefined : value }))}
                options={efforts.map((value) => ({ value, label: labels[value] }))}
              />
            )}
          </div>
        </fieldset>
      </div>
    </Dialog>
  );
}

/** Only what is set; the rest is left to the model. */
function given(parameters: Parameters): Parameters {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}
