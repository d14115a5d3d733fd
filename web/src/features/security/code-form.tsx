import { useTranslation } from "react-i18next";
import { useErrorTextOf } from "@/lib/error-text";
import { useForm } from "@/lib/use-form";
import { Button } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { TextField } from "@/ui/text-field";

/** The digits of what was typed or pasted: full-width ones too, whatever stands between them. */
export const digitsOf = (typed: string) => typed.normalize("NFKC").replace(/\D/g, "");

/** The letters of a recovery code as it was typed or pasted. */
export const lettersOf = (typed: string) => typed.normalize("NFKC").toLowerCase().replace(/[^a-z0-9]/g, "");

interface Props {
  kind: "app" | "recovery";
  label: string;
  hint: string;
  act: string;
  onCode: (code: string) => Promise<unknown>;
}

/** Asks for a code: of an app, or a recovery code. */
export function CodeForm({ kind, label, hint, act, onCode }: Props) {
  const { t } = useTranslation("security");
  const words = useErrorTextOf();
  const app = kind === "app";
  const form = useForm({
    initial: { code: "" },
    validate: (v) => ({
      code: app ? (digitsOf(v.code).length === 6 ? undefined : t("codeShort")) : lettersOf(v.code).length === 10 ? undefined : t("recoveryShort"),
    }),
    submit: (v) => onCode(app ? digitsOf(v.code) : lettersOf(v.code)),
    fieldError: (err) => ({ code: err.code === "second_factor_failed" ? words(err).said : undefined }),
  });
  return (
    <form {...form.form} className="grid gap-4">
      {form.failure && <ErrorNotice error={form.failure} />}
      <TextField
        {...form.field("code")}
        label={label}
        hint={hint}
        mono
        autoFocus
        inputMode={app ? "numeric" : undefined}
        autoComplete={app ? "one-time-code" : "off"}
        spellCheck="false"
      />
      <Button type="submit" tone="primary" isPending={form.pending} pendingLabel={t("checking")} className="min-h-12">
        {act}
      </Button>
    </form>
  );
}
