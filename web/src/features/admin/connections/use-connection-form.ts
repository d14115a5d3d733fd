import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Connection } from "@/lib/api/types";
import { useForm } from "@/lib/use-form";
import { hasLogin, isHttpUrl, type DraftForm, type RoleForm } from "./draft";

const secrets = ["apiKey", "accessKeyId", "secretAccessKey", "sessionToken", "bearerToken", "proxyPassword"];

/** What is wrong with one field of one role. */
export interface RoleError {
  at: number;
  field: keyof RoleForm;
  text: string;
}

const roleArn = /^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/;

/** The form of a connection, with what may be wrong in it. stored is the one that is changed, if there is one. */
export function useConnectionForm(initial: DraftForm, stored: Connection | undefined, submit: (form: DraftForm) => Promise<unknown>) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const url = (text: string) => (text.trim() === "" || isHttpUrl(text) ? undefined : t("connections.urlInvalid"));
  const needed = (text: string) => (text.trim() ? undefined : common("required"));
  const has = (name: string) => stored?.secretNames.includes(name);
  /** What the server said of a role; what can be seen without it is found in roleErrors. */
  const [refusedRole, setRefusedRole] = useState<RoleError>();
  const roleErrors = (v: DraftForm): RoleError[] =>
    v.credentials === "bearer"
      ? []
      : v.roles.flatMap((r, at) => {
          const found: Partial<Record<keyof RoleForm, string | undefined>> = { arn: roleArn.test(r.arn.trim()) ? undefined : t("connections.refused.arn"), endpoint: url(r.endpoint) };
          return Object.entries(found).flatMap(([field, text]) => (text ? [{ at, field: field as keyof RoleForm, text }] : []));
        });
  const form = useForm<DraftForm>({
    initial,
    validate: (v) => ({
      name: needed(v.name),
      ...(v.kind === "openai" ? { baseUrl: needed(v.baseUrl) ?? url(v.baseUrl), country: /^([a-z]{2})?$/i.test(v.country.trim()) ? undefined : t("connections.refused.country") } : {}),
      proxy: hasLogin(v.proxy) ? t("connections.refused.proxyLogin") : url(v.proxy),
      proxyUser: v.proxy.trim() && v.proxyPassword.trim() ? needed(v.proxyUser) : undefined,
      proxyPassword: v.proxy.trim() && v.proxyUser.trim() && !has("proxyPassword") ? needed(v.proxyPassword) : undefined,
      ...(v.kind === "bedrock"
        ? {
            region: needed(v.region),
            roles: roleErrors(v)[0]?.text,
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
      const role = /^roles\[(\d+)\]$/.exec(field);
      if (role) {
        const name = (err.field.split(".")[2] ?? "arn") as keyof RoleForm | "durationSeconds";
        const of: keyof RoleForm = name === "durationSeconds" ? "minutes" : name;
        const text = roleRefusal(name);
        setRefusedRole({ at: Number(role[1]), field: of, text });
        return { roles: text };
      }
      switch (field) {
        case "roles":
          return { roles: t("connections.refused.roles") };
        case "country":
          return { country: t("connections.refused.country") };
        case "headers":
        case "region":
        case "caPem":
        case "baseUrl":
        case "proxy":
        case "proxyUser":
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
  const roleRefusal = (field: keyof RoleForm | "durationSeconds") => {
    switch (field) {
      case "arn":
      case "externalId":
      case "region":
      case "endpoint":
      case "tags":
      case "durationSeconds":
        return t(`connections.refused.${field}`);
      default:
        return t("connections.refused.template");
    }
  };
  return {
    ...form,
    /** What is wrong with the roles, once it was tried to send them. */
    roleErrors: form.errors.roles === undefined ? [] : [...roleErrors(form.values), ...(refusedRole ? [refusedRole] : [])],
    setRoles: (roles: RoleForm[]) => {
      setRefusedRole(undefined);
      form.set("roles", roles);
    },
  };
}

export type ConnectionForm = ReturnType<typeof useConnectionForm>;
