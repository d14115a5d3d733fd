import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { Locale } from "@/lib/api/types";
import { categoriesQuery } from "./api";

/** The language prompts are wanted in. */
export function useLanguage(): Locale {
  return useTranslation().i18n.language === "en" ? "en" : "ja";
}

/** Gives the name of a category in the language in use; a new one is its own name. */
export function useCategoryName(): (id: string) => string {
  const { data } = useQuery(categoriesQuery);
  const language = useLanguage();
  return useCallback(
    (id) => {
      if (!data) return ""; // an id is no word
      const names = data?.items.find((c) => c.id === id)?.names;
      return names?.[language] ?? Object.values(names ?? {})[0] ?? id;
    },
    [data, language],
  );
}
