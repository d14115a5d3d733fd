import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { ja } from "@/locales/ja";
import type { ApiError } from "./api/error";

type Code = Extract<keyof typeof ja.errors, string>;
type Failure = Pick<ApiError, "code" | "params" | "detail">;

/** The words for a failure: what happened, and what to do. */
export interface ErrorText {
  what: string;
  todo: string;
}

/** Gives the words for failures, in the language in use. */
export function useErrorTextOf(): (err: Failure) => ErrorText {
  const { t, i18n } = useTranslation("errors");
  return useCallback(
    (err) => {
      const known = i18n.exists(`${err.code}.what`, { ns: "errors" });
      const code = (known ? err.code : "unknown") as Code;
      const params: Record<string, unknown> = { ...err.params };
      return {
        what: t(`${code}.what`, params),
        // A code that is newer than these texts still says what the server said.
        todo: known || !err.detail ? t(`${code}.todo`, params) : err.detail,
      };
    },
    [t, i18n],
  );
}

/** The words for one failure. */
export function useErrorText(err: Failure): ErrorText {
  return useErrorTextOf()(err);
}
