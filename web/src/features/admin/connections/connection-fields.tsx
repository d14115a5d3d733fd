import { Plus, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "@/ui/button";
import { Checkbox, RadioGroup } from "@/ui/choice";
import { Disclosure } from "@/ui/disclosure";
import { Combobox } from "@/ui/select";
import { PasswordField, TextArea, TextField } from "@/ui/text-field";
import { CountryField } from "./country-field";
import { RoleFields } from "./role-fields";
import type { ConnectionForm } from "./use-connection-form";
import type { DraftForm } from "./draft";
import { AgentEndpointFields, FipsField, ProxyFields } from "./network-fields";

interface Props {
  form: ConnectionForm;
  /** The secrets that are stored: an empty field leaves its own as it is. */
  stored: string[];
}

/** The same in every language. */
const examples = { url: "http://127.0.0.1:11434/v1", pem: "-----BEGIN CERTIFICATE-----", header: "X-Department" };

const regions = ["ap-northeast-1", "ap-northeast-3", "us-east-1", "us-west-2", "eu-central-1", "ap-southeast-2"];

/** The fields of a connection, by its kind. Secrets are written and never read back. */
export function ConnectionFields({ form, stored }: Props) {
  const { t } = useTranslation("admin");
  const { kind } = form.values;
  return (
    <>
      <TextField {...form.field("name")} label={t("connections.name")} hint={t("connections.nameHint")} autoComplete="off" />
      {kind === "openai" && <OpenAIFields form={form} stored={stored} />}
      {kind === "bedrock" && <BedrockFields form={form} stored={stored} />}
      {kind === "demo" && <p className="text-14 text-muted">{t("connections.demoBody")}</p>}
    </>
  );
}

function OpenAIFields({ form, stored }: Props) {
  const { t } = useTranslation("admin");
  const [open, setOpen] = useState(form.values.headers.length > 0 || form.values.caPem !== "" || form.values.proxy !== "");
  const { headers } = form.values;
  const setHeader = (i: number, patch: Partial<(typeof headers)[number]>) => form.set("headers", headers.map((h, j) => (j === i ? { ...h, ...patch } : h)));
  return (
    <>
      <TextField {...form.field("baseUrl")} label={t("connections.baseUrl")} hint={t("connections.baseUrlHint")} placeholder={examples.url} type="url" mono autoComplete="off" />
      <CountryField form={form} />
      <PasswordField {...form.field("apiKey")} label={t("connections.apiKey")} optional hint={stored.includes("apiKey") ? t("connections.secretKept") : t("connections.apiKeyHint")} mono autoComplete="off" />
      {stored.includes("apiKey") && (
        <Checkbox isSelected={form.values.clearApiKey} onChange={(on) => form.set("clearApiKey", on)} className="-mt-3">
          <span className="text-14">{t("connections.secretClear")}</span>
        </Checkbox>
      )}
      <Disclosure title={t("connections.more")} isOpen={open} onToggle={setOpen}>
        <fieldset className="grid gap-2">
          <legend className="mb-1.5 font-bold">{t("connections.headers")}</legend>
          {headers.map((h, i) => (
            <div key={i} className="grid grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)_auto_auto] items-center gap-2 max-md:grid-cols-[minmax(0,1fr)_auto]">
              <TextField label={t("connections.headerName", { n: i + 1 })} hideLabel size="dense" placeholder={examples.header} value={h.name} onChange={(name) => setHeader(i, { name })} mono />
              <TextField label={t("connections.headerValue", { n: i + 1 })} hideLabel size="dense" value={h.value} type={h.secret ? "password" : "text"} placeholder={h.stored ? t("connections.headerStored") : undefined} autoComplete="off" onChange={(value) => setHeader(i, { value })} mono />
              <Checkbox isSelected={h.secret} onChange={(secret) => setHeader(i, { secret })}>
                <span className="text-14">{t("connections.headerSecret")}</span>
              </Checkbox>
              <IconButton icon={X} label={t("connections.headerRemove", { n: i + 1 })} size="dense" onPress={() => form.set("headers", headers.filter((_, j) => j !== i))} />
            </div>
          ))}
          {form.errors.headers && (
            <p role="alert" className="text-14 text-danger">
              {form.errors.headers}
            </p>
          )}
          <Button size="dense" icon={Plus} className="justify-self-start" onPress={() => form.set("headers", [...headers, { name: "", value: "", secret: false }])}>
            {t("connections.headerAdd")}
          </Button>
        </fieldset>
        <ProxyFields form={form} stored={stored} />
        <CaField form={form} />
      </Disclosure>
    </>
  );
}

function BedrockFields({ form, stored }: Props) {
  const { t } = useTranslation("admin");
  const [open, setOpen] = useState(["endpoint", "controlEndpoint", "stsEndpoint", "agentRuntimeEndpoint", "agentEndpoint", "proxy", "caPem"].some((name) => form.values[name as keyof DraftForm] !== "") || form.values.fips);
  const kept = (name: string) => (stored.includes(name) ? t("connections.secretKept") : undefined);
  const { credentials } = form.values;
  return (
    <>
      <Combobox {...form.field("region")} label={t("connections.region")} hint={t("connections.regionHint")} options={regions.map((r) => ({ value: r, label: r }))} />
      <RadioGroup
        label={t("connections.credentials")}
        value={credentials}
        onChange={(v) => form.set("credentials", v)}
        options={[
          { value: "default", label: t("connections.credentialsDefault"), hint: t("connections.credentialsDefaultHint") },
          { value: "static", label: t("connections.credentialsStatic") },
          { value: "profile", label: t("connections.credentialsProfile") },
          { value: "bearer", label: t("connections.credentialsBearer") },
        ]}
      />
      {credentials === "static" && (
        <>
          <TextField {...form.field("accessKeyId")} label={t("connections.accessKeyId")} hint={kept("accessKeyId")} mono autoComplete="off" />
          <PasswordField {...form.field("secretAccessKey")} label={t("connections.secretAccessKey")} hint={kept("secretAccessKey")} mono autoComplete="off" />
          <PasswordField {...form.field("sessionToken")} label={t("connections.sessionToken")} hint={kept("sessionToken")} optional mono autoComplete="off" />
        </>
      )}
      {credentials === "profile" && <TextField {...form.field("profile")} label={t("connections.profile")} hint={t("connections.profileHint")} mono autoComplete="off" />}
      {credentials === "bearer" && <PasswordField {...form.field("bearerToken")} label={t("connections.bearerToken")} hint={kept("bearerToken")} mono autoComplete="off" />}
      <RoleFields form={form} regions={regions} />
      <Disclosure title={t("connections.more")} isOpen={open} onToggle={setOpen}>
        <TextField {...form.field("endpoint")} label={t("connections.endpoint")} optional hint={t("connections.endpointHint")} type="url" mono autoComplete="off" />
        <TextField {...form.field("controlEndpoint")} label={t("connections.controlEndpoint")} optional type="url" mono autoComplete="off" />
        <TextField {...form.field("stsEndpoint")} label={t("connections.stsEndpoint")} optional type="url" mono autoComplete="off" />
        <AgentEndpointFields form={form} />
        <FipsField form={form} />
        <ProxyFields form={form} stored={stored} />
        <CaField form={form} />
      </Disclosure>
    </>
  );
}

function CaField({ form }: Pick<Props, "form">) {
  const { t } = useTranslation("admin");
  return <TextArea {...form.field("caPem")} label={t("connections.ca")} optional hint={t("connections.caHint")} placeholder={examples.pem} mono />;
}
