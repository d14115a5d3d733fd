import { useTranslation } from "react-i18next";
import type { Me } from "@/lib/api/types";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { PasswordField, TextField } from "@/ui/text-field";
import { signIn } from "./api";

interface Props {
  /** Known when someone signs in again: then only the password is asked. */
  email?: string;
  onDone: (me: Me) => void;
}

/** E-mail and password. */
export function SignInForm({ email = "", onDone }: Props) {
  const { t } = useTranslation("account");
  const { t: common } = useTranslation("common");
  const form = useForm({
    initial: { email, password: "" },
    validate: (v) => ({
      email: v.email.trim() ? undefined : common("required"),
      password: v.password ? undefined : common("required"),
    }),
    submit: async (v) => onDone(await signIn({ email: v.email.trim(), password: v.password })),
  });

  return (
    <form {...form.form} className="grid gap-4">
      {form.failure && <ErrorNotice error={form.failure} />}
      <TextField {...form.field("email")} label={t("email")} type="email" autoComplete={email ? "username" : "username webauthn"} isReadOnly={email !== ""} autoFocus={!email} />
      <PasswordField {...form.field("password")} label={t("password")} autoComplete="current-password" autoFocus={email !== ""} />
      <Button type="submit" tone="primary" isPending={form.pending} pendingLabel={t("signingIn")} className="mt-2 min-h-12">
        {t("signInAct")}
      </Button>
    </form>
  );
}
