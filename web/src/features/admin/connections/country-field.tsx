import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { nameOfCountry } from "@/lib/place";
import { Notice } from "@/ui/notice";
import { Combobox } from "@/ui/select";
import { residencyQuery } from "../residency/api";
import { placedBy } from "./draft";
import type { ConnectionForm } from "./use-connection-form";

/** The same in every language. */
const home = "JP";

/** In which country a server stands, and what follows from that under the policy that holds. */
export function CountryField({ form }: { form: ConnectionForm }) {
  const { t, i18n } = useTranslation("admin");
  const policy = useQuery(residencyQuery).data;
  const code = form.values.country.trim().toUpperCase();
  const valid = /^[A-Z]{2}$/.test(code);
  const by = placedBy(form.values.baseUrl);
  const needed = policy && !policy.open && by === "declaration";
  const barred = needed && valid && !policy.rules.some((rule) => rule.countries.includes(code));
  const codes = [home, ...new Set(policy?.data.regions.map((r) => r.country).filter((c) => c !== home))];
  const nameOf = (country: string) => nameOfCountry(country, i18n.language);
  return (
    <div className="grid gap-2">
      <Combobox
        key={codes.length}
        {...form.field("country")}
        label={t("connections.country")}
        optional
        hint={by === "itself" ? t("connections.countrySelf") : valid ? t("residency.regionLong", { name: nameOf(code), id: code }) : t("connections.countryHint")}
        placeholder={home}
        options={codes.map((c) => ({ value: c, label: t("residency.regionLong", { name: nameOf(c), id: c }) }))}
      />
      {needed && !valid && <Notice tone="warning">{t("connections.countryNeeded")}</Notice>}
      {barred && <Notice tone="warning">{t("connections.countryBarred", { country: nameOf(code) })}</Notice>}
    </div>
  );
}
