import { useTranslation } from "react-i18next";
import type { CatalogueModel } from "@/lib/api/types";
import { useFormats } from "@/lib/format";

/** What a model may be for, in the order it is offered. */
export const tasks = ["chat", "transcription", "embedding", "rerank", "image", "guardrail"] as const satisfies readonly CatalogueModel["task"][];

/** Tasks whose use is counted in tokens, and so priced by them. */
export const pricedByTokens: readonly CatalogueModel["task"][] = ["chat", "embedding", "rerank"];

/** What the switch of a model says, by its task. */
export const enabledKey = (task: CatalogueModel["task"]) => (task === "chat" ? "models.enabled" : task === "transcription" ? "models.enabledEar" : "models.enabledTask");

export const abilities = ["vision", "documents", "video", "reasoning", "tools"] as const;

/** What a model can do, in words. */
export function useCapabilityText(): (m: Pick<CatalogueModel, "task" | "capabilities">) => string {
  const { t } = useTranslation("admin");
  const format = useFormats();
  return ({ task, capabilities: c }) => {
    if (task !== "chat") return t(`models.does.${task}`);
    const words = abilities.filter((a) => c[a]).map((a) => t(`models.ability.${a}`));
    return words.length > 0 ? format.list(words) : t("models.textOnly");
  };
}

/** A number of tokens, or that it is not known. */
export function useTokens(): (n: number) => string {
  const { t } = useTranslation("admin");
  const format = useFormats();
  return (n) => (n > 0 ? t("models.tokens", { formatted: format.number(n) }) : t("models.unknown"));
}
