import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { categoriesQuery } from "./api";

/** Gives the name of a category in the language in use; a new one is its own name. */
export function useCategoryName(): (id: string) => string {
  const { i18n } = useTranslation();
  const { data } = useQuery(categoriesQuery);
  const language = i18n.language === "en" ? "en" : "ja";
  return useCallback(
    (id) => {
      const names = data?.items.find((c) => c.id === id)?.names;
      return names?.[language] ?? Object.values(names ?? {})[0] ?? id;
    },
    [data, language],
  );
}
