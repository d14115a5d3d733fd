import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Locale } from "@/lib/api/types";
import { useErrorTextOf } from "@/lib/error-text";
import { useForm } from "@/lib/use-form";
import { Button, ButtonLink } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Skeleton } from "@/ui/skeleton";
import { PasswordField, TextField } from "@/ui/text-field";
import { meQuery, setUp, setupQuery } from "./api";
import { Door } from "./door";
import { useNewPasswordCheck } from "./password";

const emailForm = /^\S+@\S+$/;

/** The token of the link. It stands behind "#", which no server and no proxy ever sees in a log. */
function tokenOfLink(): string {
  const token = new URLSearchParams(window.location.hash.slice(1)).get("token") ?? "";
  return /^[\x21-\x7e]{1,200}$/.test(token) ? token : ""; // what is no token is no link of ours
}

/** Makes the first administrator, by the one-time link. */
export function SetupPage() {
  const { t } = useTranslation("account");
  const [token, setToken] = useState(tokenOfLink);
  const setup = useQuery(setupQuery(token));

  useEffect(() => {
    // The link pasted into this very tab: only what stands behind "#" changes, and the page stays.
    const take = () => setToken((before) => tokenOfLink() || before);
    window.addEventListener("hashchange", take);
    return () => window.removeEventListener("hashchange", take);
  }, []);

  useEffect(() => {
    // Out of the address bar, the history and any screenshot.
    if (token) window.history.replaceState(window.history.state, "", window.location.pathname);
  }, [token]);

  return (
    <Door title={t("setup")}>
      {setup.isPending ? (
        <Skeleton />
      ) : setup.error ? (
        <ErrorNotice error={setup.error} onRetry={() => void setup.refetch()} />
      ) : !setup.data.needed ? (
        <Notice title={t("alreadySetUp")} actions={<ButtonLink to="/sign-in">{t("toSignIn")}</ButtonLink>}>
          {t("alreadySetUpHint")}
        </Notice>
      ) : setup.data.linkValid === false ? (
        <Notice tone="warning" title={t("linkInvalid")}>
          {t("linkInvalidHint")}
        </Notice>
      ) : token ? (
        <SetupForm key={token} token={token} />
      ) : (
        <Notice tone="warning" title={t("linkMissing")}>
          {t("linkMissingHint")}
        </Notice>
      )}
    </Door>
  );
}

function SetupForm({ token }: { token: string }) {
  const { t, i18n } = useTranslation("account");
  const { t: common } = useTranslation("common");
  const navigate = useNavigate();
  const client = useQueryClient();
  const check = useNewPasswordCheck();
  const words = useErrorTextOf();
  const form = useForm({
    initial: { name: "", email: "", password: "" },
    validate: (v) => ({
      name: v.name.trim() ? undefined : common("required"),
      email: !v.email.trim() ? common("required") : emailForm.test(v.email.trim()) ? undefined : common("emailInvalid"),
      password: check(v.password),
    }),
    submit: async (v) => {
      await setUp({ token, name: v.name.trim(), email: v.email.trim(), password: v.password, locale: i18n.language as Locale });
      client.clear();
      await client.fetchQuery(meQuery);
      await navigate({ to: "/", replace: true });
    },
    fieldError: (err) => ({
      password: err.code === "password_too_weak" ? words(err).said : undefined,
      email: err.field === "email" ? words(err).what : undefined,
    }),
  });

  return (
    <form {...form.form} className="grid gap-4">
      <p className="mb-2 leading-prose">{t("setupLead")}</p>
      {form.failure && <ErrorNotice error={form.failure} />}
      <TextField {...form.field("name")} label={t("name")} hint={t("nameHint")} autoComplete="name" autoFocus />
      <TextField {...form.field("email")} label={t("email")} type="email" autoComplete="username" />
      <PasswordField {...form.field("password")} label={t("newPassword")} hint={t("newPasswordHint")} autoComplete="new-password" />
      <Button type="submit" tone="primary" isPending={form.pending} pendingLabel={t("creating")} className="mt-2 min-h-12">
        {t("create")}
      </Button>
    </form>
  );
}
