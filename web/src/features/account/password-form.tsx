import { useTranslation } from "react-i18next";
import { useErrorTextOf } from "@/lib/error-text";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { PasswordField } from "@/ui/text-field";
import { changePassword } from "./api";
import { useNewPasswordCheck } from "./password";

interface Props {
  /** The present one is a temporary password that someone else chose. */
  temporary?: boolean;
  onDone: () => void;
}

/** Replaces one's own password. */
export function PasswordForm({ temporary, onDone }: Props) {
  const { t } = useTranslation("account");
  const { t: common } = useTranslation("common");
  const check = useNewPasswordCheck();
  const words = useErrorTextOf();
  const blank = { current: "", next: "" };
  const form = useForm({
    initial: blank,
    validate: (v) => ({ current: v.current ? undefined : common("required"), next: check(v.next, v.current) }),
    submit: async (v) => {
      await changePassword({ current: v.current, new: v.next });
      form.reset(blank);
      onDone();
    },
    fieldError: (err) => ({
      current: err.code === "sign_in_failed" || err.field === "current" ? t("currentWrong") : undefined,
      next: err.code === "password_too_weak" ? words(err).said : undefined,
    }),
  });

  return (
    <form {...form.form} className="grid max-w-96 gap-4">
      {form.failure && <ErrorNotice error={form.failure} />}
      <PasswordField {...form.field("current")} label={temporary ? t("temporaryPassword") : t("currentPassword")} autoComplete="current-password" autoFocus={temporary} />
      <PasswordField {...form.field("next")} label={t("nextPassword")} hint={t("newPasswordHint")} autoComplete="new-password" />
      <Button type="submit" tone={temporary ? "primary" : "secondary"} isPending={form.pending} pendingLabel={common("changing")} className="justify-self-start">
        {t("changeAct")}
      </Button>
    </form>
  );
}
