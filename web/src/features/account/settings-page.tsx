import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { FirstPromptSetting } from "@/features/library/first-prompt";
import { NoticeSetting } from "@/features/notify/notices";
import { SingleKeys } from "@/features/shortcuts/shortcuts";
import { toApiError } from "@/lib/api/error";
import type { Calendar, Density, Locale, Preferences, SendKey, Theme } from "@/lib/api/types";
import { runCommand } from "@/lib/commands";
import { useErrorTextOf } from "@/lib/error-text";
import { useForm } from "@/lib/use-form";
import { Button, ButtonLink } from "@/ui/button";
import { RadioGroup } from "@/ui/choice";
import { ConfirmDialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Page, Scroll, Section } from "@/ui/page";
import { Select } from "@/ui/select";
import { Bar, Skeleton } from "@/ui/skeleton";
import { TextField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { meQuery, modelsQuery, rename, revokeSession, sessionsQuery, signOutEverywhere, useMe, useUpdatePreferences } from "./api";
import { ImportSection } from "./import-section";
import { MineSection } from "./mine-section";
import { useModelHint } from "./model-text";
import { PasswordForm } from "./password-form";
import { SessionList } from "./session-list";

/** What a person decides for themselves. Choices take effect at once. */
export function SettingsPage() {
  const { t } = useTranslation("account");
  const { t: security } = useTranslation("security");
  return (
    <Page title={t("settings")}>
      <Scroll>
        <div className="grid w-full max-w-[49.5rem] grid-cols-[minmax(0,1fr)] px-6 pt-2 pb-16 max-md:px-4">
          <DisplaySection />
          <ConversationSection />
          <KeysSection />
          <NameSection />
          <Section id="password" title={t("password")}>
            <PasswordForm onDone={() => toast({ text: t("passwordChanged") })} />
          </Section>
          <Section id="security" title={security("title")} hint={security("lead")}>
            <ButtonLink to="/settings/security">{t("openSecurity")}</ButtonLink>
          </Section>
          <SessionsSection />
          <ImportSection />
          <MineSection />
        </div>
      </Scroll>
    </Page>
  );
}

function useChange() {
  const words = useErrorTextOf();
  const update = useUpdatePreferences();
  return (patch: Partial<Preferences>) => update.mutate(patch, { onError: (err) => toast({ tone: "danger", text: words(toApiError(err)).said }) });
}

function DisplaySection() {
  const { t, i18n } = useTranslation("account");
  const { t: frame } = useTranslation("frame");
  const { preferences } = useMe();
  const change = useChange();
  return (
    <Section id="display" title={t("display")}>
      <div className="grid gap-6">
        <RadioGroup<Theme>
          label={frame("theme")}
          hint={t("themeHint")}
          layout="row"
          value={preferences.theme}
          onChange={(theme) => change({ theme })}
          options={[
            { value: "system", label: frame("themeSystem") },
            { value: "light", label: frame("themeLight") },
            { value: "dark", label: frame("themeDark") },
          ]}
        />
        <RadioGroup<Density>
          label={t("density")}
          hint={t("densityHint")}
          layout="row"
          value={preferences.density}
          onChange={(density) => change({ density })}
          options={[
            { value: "comfortable", label: t("comfortable") },
            { value: "compact", label: t("compact") },
          ]}
        />
        <RadioGroup<Locale>
          label={t("language")}
          layout="row"
          value={i18n.language === "en" ? "en" : "ja"}
          onChange={(locale) => change({ locale })}
          options={[
            { value: "ja", label: frame("japanese") },
            { value: "en", label: frame("english") },
          ]}
        />
        {i18n.language !== "en" && (
          <RadioGroup<Calendar>
            label={t("calendar")}
            hint={t("calendarHint")}
            layout="row"
            value={preferences.calendar}
            onChange={(calendar) => change({ calendar })}
            options={[
              { value: "western", label: t("western") },
              { value: "japanese", label: t("era") },
            ]}
          />
        )}
      </div>
    </Section>
  );
}

function ConversationSection() {
  const { t } = useTranslation("account");
  const { preferences } = useMe();
  const change = useChange();
  const models = useQuery(modelsQuery);
  const hint = useModelHint();
  return (
    <Section id="conversation" title={t("conversation")}>
      <div className="grid gap-6">
        {models.isPending ? (
          <Skeleton>
            <Bar className="h-11 max-w-96" />
          </Skeleton>
        ) : models.error ? (
          <ErrorNotice error={models.error} onRetry={() => void models.refetch()} />
        ) : models.data.items.length === 0 ? (
          <p className="text-14 text-muted">{t("noModels")}</p>
        ) : (
          <div className="max-w-96">
            <Select
              label={t("defaultModel")}
              hint={t("defaultModelHint")}
              value={models.data.items.some((m) => m.id === preferences.defaultModelId) ? preferences.defaultModelId : ""}
              onChange={(defaultModelId) => change({ defaultModelId })}
              options={[
                { value: "", label: t("defaultModelAuto") },
                ...models.data.items.map((m) => ({ value: m.id, label: m.displayName, hint: hint(m) })),
              ]}
            />
          </div>
        )}
        <FirstPromptSetting value={preferences.defaultPromptId} onChange={(defaultPromptId) => change({ defaultPromptId })} />
        <RadioGroup<SendKey>
          label={t("sendKey")}
          value={preferences.sendKey}
          onChange={(sendKey) => change({ sendKey })}
          options={[
            { value: "enter", label: t("sendEnter"), hint: t("sendEnterHint") },
            { value: "ctrlEnter", label: t("sendCtrlEnter"), hint: t("sendCtrlEnterHint") },
          ]}
        />
        <NoticeSetting />
      </div>
    </Section>
  );
}

function KeysSection() {
  const { t } = useTranslation("shortcuts");
  return (
    <Section id="keys" title={t("title")}>
      <div className="grid justify-items-start gap-4">
        <SingleKeys />
        <Button size="dense" onPress={() => runCommand("help")}>
          {t("show")}
        </Button>
      </div>
    </Section>
  );
}

function NameSection() {
  const { t } = useTranslation("account");
  const { t: common } = useTranslation("common");
  const client = useQueryClient();
  const { account } = useMe();
  const form = useForm({
    initial: { name: account.name },
    validate: (v) => ({ name: v.name.trim() ? undefined : common("required") }),
    submit: async (v) => {
      await rename(v.name.trim());
      await client.invalidateQueries({ queryKey: meQuery.queryKey, exact: true });
      toast({ text: t("profileSaved") });
    },
  });
  return (
    <Section id="profile" title={t("profile")} hint={account.email}>
      <form {...form.form} className="grid max-w-96 gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <TextField {...form.field("name")} label={t("name")} hint={t("nameHint")} autoComplete="name" />
        <Button type="submit" isPending={form.pending} pendingLabel={common("changing")} className="justify-self-start">
          {common("change")}
        </Button>
      </form>
    </Section>
  );
}

function SessionsSection() {
  const { t } = useTranslation("account");
  const client = useQueryClient();
  const navigate = useNavigate();
  const sessions = useQuery(sessionsQuery);
  const [asking, setAsking] = useState(false);
  const count = sessions.data?.items.length ?? 0;

  return (
    <Section id="sessions" title={t("sessions")} hint={t("sessionsHint")}>
      {sessions.isPending ? (
        <Skeleton>
          <div className="grid gap-4">
            <Bar className="w-2/3" />
            <Bar className="w-1/2" />
          </div>
        </Skeleton>
      ) : sessions.error ? (
        <ErrorNotice error={sessions.error} onRetry={() => void sessions.refetch()} />
      ) : (
        <>
          <SessionList sessions={sessions.data.items} onEnd={revokeSession} onEnded={() => client.invalidateQueries({ queryKey: sessionsQuery.queryKey })} />
          <Button tone="danger" size="dense" onPress={() => setAsking(true)} className="mt-4">
            {t("everywhere")}
          </Button>
        </>
      )}
      <ConfirmDialog
        title={t("everywhereTitle")}
        confirmLabel={t("everywhereAct")}
        isOpen={asking}
        onClose={() => setAsking(false)}
        onConfirm={async () => {
          await signOutEverywhere();
          await navigate({ to: "/sign-in", replace: true });
          client.clear();
        }}
      >
        <p>{t("everywhereBody", { count })}</p>
      </ConfirmDialog>
    </Section>
  );
}
