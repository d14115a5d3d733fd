import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { limitsQuery } from "@/features/account/api";
import { ApiError } from "@/lib/api/error";
import { useFormats } from "@/lib/format";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { RadioGroup } from "@/ui/choice";
import { Detail, Details } from "@/ui/details";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Page, Scroll, Section } from "@/ui/page";
import { Select } from "@/ui/select";
import { Bar, Skeleton } from "@/ui/skeleton";
import { NumberField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { type ChatSettings, changeChatSettings, chatSettingsQuery } from "./api";
import { type Values, changeOf, differences, merged, valuesOf } from "./draft";

/** What is kept of conversations, and how much may be attached. */
export function ChatSettingsPage() {
  const { t } = useTranslation("admin");
  const settings = useQuery(chatSettingsQuery);
  return (
    <Page title={t("chat.title")}>
      <Scroll>
        <div className="grid w-full max-w-[49.5rem] px-6 pt-2 pb-16 max-md:px-4">
          {settings.isPending ? (
            <Skeleton>
              <div className="grid gap-4">
                <Bar className="w-1/3" />
                <Bar className="h-20 w-full" />
                <Bar className="h-20 w-full" />
                <Bar className="h-20 w-full" />
              </div>
            </Skeleton>
          ) : settings.data ? (
            <SettingsForm now={settings.data} />
          ) : (
            <ErrorNotice error={settings.error} onRetry={() => void settings.refetch()} />
          )}
        </div>
      </Scroll>
    </Page>
  );
}

const megabyte = 1 << 20;
const choices = ["allowed", "off", "enforced"] as const;
const classes = ["0", "1", "2", "3"] as const;

function SettingsForm({ now }: { now: ChatSettings }) {
  const { t } = useTranslation("admin");
  const { t: common } = useTranslation("common");
  const format = useFormats();
  const client = useQueryClient();
  /** What the form was filled from. What somebody else has decided since is shown, never taken over unasked. */
  const [base, setBase] = useState(now);
  const form = useForm<Values>({
    initial: valuesOf(now),
    submit: async (values) => {
      try {
        const kept = await changeChatSettings(changeOf(values, base));
        client.setQueryData(chatSettingsQuery.queryKey, kept);
        void client.invalidateQueries({ queryKey: limitsQuery.queryKey });
        setBase(kept);
        form.reset(valuesOf(kept));
        toast({ text: common("saved") });
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== "conflict") throw error;
        await client.refetchQueries({ queryKey: chatSettingsQuery.queryKey }, { throwOnError: true }); // what they decided is shown beside ours
      }
    },
  });
  const { values, set } = form;
  const changed = differences(valuesOf(base), values);
  const overtaken = now.version > base.version;
  if (overtaken && changed.length === 0) {
    setBase(now);
    form.reset(valuesOf(now));
  }

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
      <section aria-label={t("chat.save")} className="grid gap-4 border-t border-rule pt-6">
        {overtaken && (
          <Notice
            live
            tone="warning"
            title={t("chat.overtaken", { name: now.changedByName || t("chat.somebody"), time: format.within(now.changedAt ?? new Date()) })}
            actions={
              <>
                <Button
                  size="dense"
                  onPress={() => {
                    setBase(now);
                    form.reset(valuesOf(now));
                  }}
                >
                  {t("chat.takeTheirs")}
                </Button>
                <Button
                  size="dense"
                  onPress={() => {
                    setBase(now);
                    form.reset(together);
                  }}
                >
                  {t("chat.keepMine")}
                </Button>
              </>
            }
          >
            <p>{t("chat.overtakenHint")}</p>
            <Details className="mt-2">
              {apart.map((name) => (
                <Detail key={name} name={names[name]}>
                  {t("chat.theirsAndMine", { theirs: say(name, valuesOf(now)), mine: say(name, together) })}
                </Detail>
              ))}
            </Details>
          </Notice>
        )}
        {!overtaken && changed.length > 0 && (
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
        )}
        {form.failure && <ErrorNotice error={form.failure} />}
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <Button type="submit" tone="primary" isPending={form.pending} pendingLabel={common("saving")} disabledReason={overtaken ? t("chat.chooseFirst") : changed.length === 0 && t("chat.unchanged")}>
            {common("save")}
          </Button>
          {changed.length > 0 && !overtaken && (
            <Button tone="quiet" onPress={() => form.reset(valuesOf(base))}>
              {t("chat.discard")}
            </Button>
          )}
          <p className="text-14 text-muted">
            {now.version === 0 ? t("chat.neverChanged") : t("chat.lastChanged", { name: now.changedByName || t("chat.somebody"), time: format.within(now.changedAt ?? new Date()) })}
          </p>
        </div>
      </section>
    </form>
  );
}
