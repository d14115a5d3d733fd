import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useErrorTextOf } from "@/lib/error-text";
import { Detail, Details } from "@/ui/details";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { Select } from "@/ui/select";
import { NumberField } from "@/ui/text-field";
import { SaveSettings, SettingsPage, useSettings } from "../settings-page";
import { changeFactorSettings, factorSettingsQuery, type FactorSettings, type Requirement } from "./api";
import { changeOf, differences, get, merged, valuesOf, type Name, type Values } from "./draft";

/** Who needs a second factor, how long it may be put off, and when one is asked again. */
export function SecondFactorPage() {
  const { t } = useTranslation("admin");
  return (
    <SettingsPage title={t("factor.title")} query={useQuery(factorSettingsQuery)}>
      {(now) => <SettingsForm now={now} />}
    </SettingsPage>
  );
}

const requirements = ["required", "optional", "off"] as const;

function SettingsForm({ now }: { now: FactorSettings }) {
  const { t } = useTranslation("admin");
  const { t: frame } = useTranslation("frame");
  const words = useErrorTextOf();
  const settings = useSettings<FactorSettings, Values>({
    now,
    queryKey: factorSettingsQuery.queryKey,
    valuesOf,
    same: (one, other) => differences(one, other).length === 0,
    write: (values, base) => changeFactorSettings(changeOf(values, base)),
  });
  const { base, form } = settings;
  const { values, set } = form;
  const changed = differences(valuesOf(base), values);
  const together = merged(valuesOf(base), values, valuesOf(now));
  const apart = differences(valuesOf(now), together);

  const roleName = (role: string) => (role === "administrator" ? frame("roleAdministrator") : role === "member" ? frame("roleMember") : role);
  const nameOf = (name: Name) => (name === "others" ? t("factor.others") : name === "graceDays" ? t("factor.grace") : name === "proofMinutes" ? t("factor.proof") : roleName(name.slice("role:".length)));
  const say = (name: Name, of: Values) => {
    const value = get(of, name);
    return name === "graceDays" ? t("factor.days", { count: of.graceDays }) : name === "proofMinutes" ? t("factor.minutes", { count: of.proofMinutes }) : t(`factor.${value as Requirement}`);
  };
  const options = requirements.map((value) => ({ value, label: t(`factor.${value}`), hint: t(`factor.${value}Hint`) }));
  const missing = Number.isNaN(values.graceDays) || Number.isNaN(values.proofMinutes);

  return (
    <form {...form.form}>
      <Section title={t("factor.roles")} hint={t("factor.rolesHint")}>
        <div className="grid max-w-xl gap-4">
          {Object.entries(values.roles).map(([role, requirement]) => (
            <Select key={role} label={roleName(role)} value={requirement} onChange={(next) => set("roles", { ...values.roles, [role]: next })} options={options} />
          ))}
          <Select label={t("factor.others")} value={values.others} onChange={(others) => set("others", others)} options={options} />
          {base.passkeyUnavailable && (
            <Notice title={t("factor.noPasskeys")}>{words({ code: "passkey_unavailable", params: { reason: base.passkeyUnavailable }, detail: "" }).said}</Notice>
          )}
        </div>
      </Section>
      <Section title={t("factor.graceTitle")} hint={t("factor.graceHint")}>
        <div className="max-w-40">
          <NumberField {...form.field("graceDays")} label={t("factor.grace")} unit={t("factor.dayUnit")} min={0} max={90} />
        </div>
      </Section>
      <Section title={t("factor.proofTitle")} hint={t("factor.proofHint")}>
        <div className="max-w-40">
          <NumberField {...form.field("proofMinutes")} label={t("factor.proof")} unit={t("factor.minuteUnit")} min={1} max={1440} />
        </div>
      </Section>
      <SaveSettings
        settings={settings}
        together={together}
        refused={missing && t("factor.missing")}
        apart={
          <Details>
            {apart.map((name) => (
              <Detail key={name} name={nameOf(name)}>
                {t("chat.theirsAndMine", { theirs: say(name, valuesOf(now)), mine: say(name, together) })}
              </Detail>
            ))}
          </Details>
        }
        effects={
          !missing && (
            <Notice title={t("chat.willChange")}>
              <Details>
                {changed.map((name) => (
                  <Detail key={name} name={nameOf(name)}>
                    {t("chat.fromTo", { from: say(name, valuesOf(base)), to: say(name, values) })}
                  </Detail>
                ))}
              </Details>
              {changed.some((name) => get(values, name) === "required") && <p className="mt-2">{t("factor.requiredEffect", { count: values.graceDays })}</p>}
              {changed.some((name) => get(values, name) === "off") && <p className="mt-2">{t("factor.offEffect")}</p>}
            </Notice>
          )
        }
      />
    </form>
  );
}
