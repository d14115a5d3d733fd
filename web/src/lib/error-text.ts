import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { ja } from "@/locales/ja";
import type { ApiError } from "./api/error";
import { useFormats } from "./format";
import { useReasonText } from "./place";

type Code = Extract<keyof typeof ja.errors, string>;
type Failure = Pick<ApiError, "code" | "params" | "detail">;

/** The words for a failure: what happened, and what to do. */
export interface ErrorText {
  what: string;
  todo: string;
  /** Both as running text, where there is one line for it. */
  said: string;
  /** How much is allowed, where that was the matter; todo begins with it. */
  limit: string;
}

/** Gives the words for failures, in the language in use. */
export function useErrorTextOf(): (err: Failure) => ErrorText {
  const { t, i18n } = useTranslation("errors");
  const { t: common } = useTranslation("common");
  const format = useFormats();
  const reasonText = useReasonText();
  return useCallback(
    (err) => {
      const known = i18n.exists(`${err.code}.what`, { ns: "errors" });
      const code = (known ? err.code : "unknown") as Code;
      const params: Record<string, unknown> = { ...err.params };
      // A reason has words of its own only where they can be said whole.
      const reason = `${code}.reasons.${err.params.reason}` as Code;
      const said = i18n.exists(`${reason}.what`, { ns: "errors" }) && complete(t(`${reason}.what`, { skipInterpolation: true }) + t(`${reason}.todo`, { skipInterpolation: true }), err.params);
      const key = said ? reason : code;
      const { limitBytes, limitPixels, limitFiles } = err.params;
      const limit = limitBytes
        ? common("limit.bytes", { size: format.bytes(Number(limitBytes)) })
        : limitPixels
          ? common("limit.pixels", { formatted: format.number(Number(limitPixels)) })
          : limitFiles
            ? common("limit.files", { count: Number(limitFiles) })
            : "";
      // A code that is newer than these texts still says what the server said.
      const general = known || !err.detail ? t(`${key}.todo`, params) : err.detail;
      const why = code === "residency_denied" ? reasonText(err.params.reason ?? "", err.params) : "";
      const instead = why && err.params.instead ? t("residency_denied.instead", { instead: format.list(err.params.instead.split(", ")) }) : "";
      const sentences = [why && common("reason.sentence", { text: why }), instead, general].filter(Boolean);
      const todo = sentences.join(i18n.language === "en" ? " " : "");
      const what = t(`${key}.what`, params);
      const help = limit && i18n.language === "en" ? `${limit} ${todo}` : limit + todo;
      return { what, todo: help, said: i18n.language === "en" ? `${what}. ${help}` : `${what}。${help}`, limit };
    },
    [t, i18n, common, format, reasonText],
  );
}

/** Whether every value that a text names is there. */
function complete(text: string, params: Record<string, string>): boolean {
  return [...text.matchAll(/\{\{\s*(\w+)/g)].every((m) => params[m[1] ?? ""]);
}

/** The words for one failure. */
export function useErrorText(err: Failure): ErrorText {
  return useErrorTextOf()(err);
}
