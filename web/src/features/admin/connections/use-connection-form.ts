import { useTranslation } from "react-i18next";
import { useForm } from "@/lib/use-form";
import { isHttpUrl, type DraftForm } from "./draft";

/** The form of a connection, with what may be wrong in it. */
export function useConnectionForm(initial: DraftForm, hasSecret: boolean, submit: (form: DraftForm) => Promise<unknown>) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const url = (text: string) => (text.trim() === "" || isHttpUrl(text) ? undefined : t("connections.urlInvalid"));
  const needed = (text: string) => (text.trim() ? undefined : common("required"));
  return useForm<DraftForm>({
    initial,
    validate: (v) => ({
      name: needed(v.name),
      ...(v.kind === "openai" ? { baseUrl: needed(v.baseUrl) ?? url(v.baseUrl) } : {}),
      ...(v.kind === "bedrock"
        ? {
            region: needed(v.region),
            endpoint: url(v.endpoint),
            stsEndpoint: url(v.stsEndpoint),
            profile: v.credentials === "profile" ? needed(v.profile) : undefined,
            accessKeyId: v.credentials === "static" && !hasSecret ? needed(v.accessKeyId) : undefined,
            secretAccessKey: v.credentials === "static" && !hasSecret ? needed(v.secretAccessKey) : undefined,
            bearerToken: v.credentials === "bearer" && !hasSecret ? needed(v.bearerToken) : undefined,
          }
        : {}),
    }),
    submit,
    fieldError: (err) => {
      const field = err.field.split(".").at(-1) ?? "";
      if (err.code === "conflict") return { name: t("connections.taken") };
      return field in initial ? { [field]: err.detail } : {};
    },
  });
}
