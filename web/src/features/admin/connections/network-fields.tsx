import { useTranslation } from "react-i18next";
import type { useForm } from "@/lib/use-form";
import { Checkbox } from "@/ui/choice";
import { PasswordField, TextField } from "@/ui/text-field";
import { hasFips, type DraftForm } from "./draft";

interface Props {
  form: ReturnType<typeof useForm<DraftForm>>;
}

/** The same in every language. */
const example = "http://proxy.example.lg.jp:8080";

/** The endpoints of Bedrock's agents, for rerankers and knowledge bases. */
export function AgentEndpointFields({ form }: Props) {
  const { t } = useTranslation("admin");
  return (
    <>
      <TextField {...form.field("agentRuntimeEndpoint")} label={t("connections.agentRuntimeEndpoint")} optional type="url" mono autoComplete="off" />
      <TextField {...form.field("agentEndpoint")} label={t("connections.agentEndpoint")} optional type="url" mono autoComplete="off" />
    </>
  );
}

/** FIPS endpoints, in the regions that have them. */
export function FipsField({ form }: Props) {
  const { t } = useTranslation("admin");
  if (!hasFips(form.values.region)) return null;
  return (
    <Checkbox isSelected={form.values.fips} onChange={(on) => form.set("fips", on)}>
      {t("connections.fips")}
    </Checkbox>
  );
}

/** The proxy that a connection goes through, and who logs in to it. */
export function ProxyFields({ form, stored }: Props & { stored: string[] }) {
  const { t } = useTranslation("admin");
  return (
    <>
      <TextField {...form.field("proxy")} label={t("connections.proxy")} optional hint={t("connections.proxyHint")} placeholder={example} type="url" mono autoComplete="off" />
      {form.values.proxy.trim() !== "" && (
        <>
          <TextField {...form.field("proxyUser")} label={t("connections.proxyUser")} optional hint={t("connections.proxyUserHint")} mono autoComplete="off" />
          <PasswordField {...form.field("proxyPassword")} label={t("connections.proxyPassword")} optional={form.values.proxyUser.trim() === ""} hint={stored.includes("proxyPassword") ? t("connections.secretKept") : undefined} mono autoComplete="off" />
        </>
      )}
    </>
  );
}
