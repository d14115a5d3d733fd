import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { limitsQuery } from "@/features/account/api";
import { useFormats } from "@/lib/format";
import { RadioGroup } from "@/ui/choice";
import { Detail, Details } from "@/ui/details";
import { Notice } from "@/ui/notice";
import { Section } from "@/ui/page";
import { Select } from "@/ui/select";
import { NumberField } from "@/ui/text-field";
import { SaveSettings, SettingsPage, useSettings } from "../settings-page";
import { type ChatSettings, changeChatSettings, chatSettingsQuery } from "./api";
import { type Values, changeOf, differences, merged, valuesOf } from "./draft";

/** What is kept of conversations, and how much may be attached. */
export function ChatSettingsPage() {
  const { t } = useTranslation("admin");
  return (
    <SettingsPage title={t("chat.title")} query={useQuery(chatSettingsQuery)}>
      {(now) => <SettingsForm now={now} />}
    </SettingsPage>
  );
}

const megabyte = 1 << 20;
const choices = ["allowed", "off", "enforced"] as const;
const classes = ["0", "1", "2", "3"] as const;

function SettingsForm({ now }: { now: ChatSettings }) {
  const { t } = useTranslation("admin");
  const format = useFormats();
  const client = useQueryClient();
  const settings = useSettings<ChatSettings, Values>({
    now,
    queryKey: chatSettingsQuery.queryKey,
    valuesOf,
    same: (one, other) => differences(one, other).length === 0,
    write: (values, base) => changeChatSettings(changeOf(values, base)),
    onWritten: () => void client.invalidateQueries({ queryKey: limitsQuery.queryKey }),
  });
  const { base, form } = settings;
  const { values, set } = form;
  const changed = differences(valuesOf(base), values);

  const names = { temporary: t("chat.temporary"), megabytes: t("chat.bytes"), perTurn: t("chat.perTurn"), defaultClass: t("chat.defaultClass") };
  const say = (name: keyof Values, of: Values) =>
    name === "temporary"
      ? t(`chat.${of.temporary}`)
      : name === "defaultClass"
        ? t(`chat.class${of.defaultClass}`)
      : Number.isNaN(of[name])
        ? t("chat.asInstalled", { value: name === "megabytes" ? format.bytes(base.installed.attachmentBytes) : t("chat.files", { count: base.installed.attachmentsPerTurn }) })
        : name === "megabytes"
          ? format.bytes(of.megabytes * megabyte)
          : t("chat.files", { count: of.perTurn });
  const together = merged(valuesOf(base), values, valuesOf(now));
  const apart = differences(valuesOf(now), together);

  return (
    <form {...form.form}>
      <Section title={t("chat.temporary")} hint={t("chat.temporaryHint")}>
        <RadioGroup
          label={t("chat.temporary")}
          hideLabel
          layout="card"
          value={values.temporary}
          onChange={(temporary) => set("temporary", temporary)}
          options={choices.map((value) => ({ value, label: t(`chat.${value}`), hint: t(`chat.${value}Hint`) }))}
        />
      </Section>
      <Section title={t("chat.class")} hint={t("chat.classHint")}>
        <div className="max-w-xl">
          <Select
            label={t("chat.defaultClass")}
            value={values.defaultClass}
            onChange={(defaultClass) => set("defaultClass", defaultClass)}
            options={classes.map((value) => ({ value, label: t(`chat.class${value}`), hint: t(`chat.class${value}Hint`) }))}
          />
        </div>
      </Section>
      <Section title={t("chat.attachments")} hint={t("chat.attachmentsHint")}>
        <div className="grid max-w-xl grid-cols-2 items-start gap-4 max-md:grid-cols-1">
          <NumberField
            {...form.field("megabytes")}
            label={t("chat.bytes")}
            hint={t("chat.bytesHint", { size: format.bytes(base.installed.attachmentBytes) })}
            unit="MB"
            min={0.1}
            max={base.installed.attachmentBytes / megabyte}
            step={0.1}
            fractionDigits={1}
            placeholder={t("chat.empty")}
          />
          <NumberField
            {...form.field("perTurn")}
            label={t("chat.perTurn")}
            hint={t("chat.perTurnHint", { count: base.installed.attachmentsPerTurn })}
            min={1}
            max={base.installed.attachmentsPerTurn}
            placeholder={t("chat.empty")}
          />
        </div>
      </Section>
      <SaveSettings
        settings={settings}
        together={together}
        apart={
          <>
            <p>{t("chat.overtakenHint")}</p>
            <Details className="mt-2">
              {apart.map((name) => (
                <Detail key={name} name={names[name]}>
                  {t("chat.theirsAndMine", { theirs: say(name, valuesOf(now)), mine: say(name, together) })}
                </Detail>
              ))}
            </Details>
          </>
        }
        effects={
          <Notice title={t("chat.willChange")}>
            <Details>
              {changed.map((name) => (
                <Detail key={name} name={names[name]}>
                  {t("chat.fromTo", { from: say(name, valuesOf(base)), to: say(name, values) })}
                </Detail>
              ))}
            </Details>
            {values.temporary !== base.temporary && <p className="mt-2">{t(`chat.${values.temporary}Effect`)}</p>}
          </Notice>
        }
      />
    </form>
  );
}
