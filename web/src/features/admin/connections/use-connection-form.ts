import { useTranslation } from "react-i18next";
import type { Connection } from "@/lib/api/types";
import { useForm } from "@/lib/use-form";
import { isHttpUrl, type DraftForm } from "./draft";

const secrets = ["apiKey", "accessKeyId", "secretAccessKey", "sessionToken", "bearerToken"];

/** The form of a connection, with what may be wrong in it. stored is the one that is changed, if there is one. */
export function useConnectionForm(initial: DraftForm, stored: Connection | undefined, submit: (form: DraftForm) => Promise<unknown>) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const url = (text: string) => (text.trim() === "" || isHttpUrl(text) ? undefined : t("connections.urlInvalid"));
  const needed = (text: string) => (text.trim() ? undefined : common("required"));
  const has = (name: string) => stored?.secretNames.includes(name);
  return useForm<DraftForm>({
    initial,
    validate: (v) => ({
      name: needed(v.name),
      ...(v.kind === "openai" ? { baseUrl: needed(v.baseUrl) ?? url(v.baseUrl) } : {}),
      proxy: url(v.proxy),
      ...(v.kind === "bedrock"
        ? {
            region: needed(v.region),
            endpoint: url(v.endpoint),
            controlEndpoint: url(v.controlEndpoint),
            stsEndpoint: url(v.stsEndpoint),
            agentRuntimeEndpoint: url(v.agentRuntimeEndpoint),
            agentEndpoint: url(v.agentEndpoint),
            profile: v.credentials === "profile" ? needed(v.profile) : undefined,
            accessKeyId: v.credentials === "static" && !has("accessKeyId") ? needed(v.accessKeyId) : undefined,
            secretAccessKey: v.credentials === "static" && !has("secretAccessKey") ? needed(v.secretAccessKey) : undefined,
            bearerToken: v.credentials === "bearer" && !has("bearerToken") ? needed(v.bearerToken) : undefined,
          }
        : {}),
    }),
    submit,
    fieldError: (err) => {
      if (err.code === "conflict") return { name: t("connections.taken") };
      // "settings.headers.X-Dept", "secret.apiKey": the part after the first dot names the field.
      const [part, field = part ?? ""] = err.field.split(".");
      if (part === "secret" && (secrets.includes(field) || field === "headers")) return { [field]: stored ? t("connections.secretAgain") : common("refused") };
      switch (field) {
        case "headers":
        case "region":
        case "caPem":
        case "baseUrl":
        case "proxy":
          return { [field]: t(`connections.refused.${field}`) };
        case "endpoint":
        case "controlEndpoint":
        case "stsEndpoint":
        case "agentRuntimeEndpoint":
        case "agentEndpoint":
          return { [field]: err.params.reason === "global_sts" ? t("connections.refused.globalSts", { instead: err.params.instead }) : t("connections.refused.endpoint") };
        default:
          return field in initial ? { [field]: common("refused") } : {};
      }
    },
  });
}
