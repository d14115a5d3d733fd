import { useTranslation } from "react-i18next";
import type { CatalogueModel } from "@/lib/api/types";
import { useFormats } from "@/lib/format";

export const abilities = ["vision", "documents", "video", "reasoning", "tools"] as const;

/** What a model can do, in words. */
export function useCapabilityText(): (m: Pick<CatalogueModel, "task" | "capabilities">) => string {
  const { t } = useTranslation("admin");
  const format = useFormats();
  return ({ task, capabilities: c }) => {
    if (task === "transcription") return t("models.transcribes");
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
