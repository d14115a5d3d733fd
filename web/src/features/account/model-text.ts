import { useTranslation } from "react-i18next";
import type { Model } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { usePlaceText } from "@/lib/place";

/** Gives the line under a model's name where one is chosen: what it is for, and where it is processed. */
export function useModelHint(): (model: Model) => string {
  const { t } = useTranslation("chat");
  const format = useFormats();
  const placeText = usePlaceText();
  return (model) => format.facts(model.demo && t("demo"), model.description, t("processedAt", { place: placeText(model.place) }));
}
