import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { meQuery } from "@/features/account/api";
import { onProofNeeded } from "@/lib/api/client";
import { useForm } from "@/lib/use-form";
import { knowsPasskeys } from "@/lib/webauthn";
import { Button, TextButton } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { PasswordField } from "@/ui/text-field";
import { factorsQuery, prove, proveWithPasskey } from "./api";
import { CodeForm } from "./code-form";
import { PasskeyAct } from "./passkey-act";

/** Asks who one is once more, over whatever was being done; the call that needed it then goes on. */
export function ProveDialog() {
  const { t } = useTranslation("security");
  const [open, setOpen] = useState(false);
  const answer = useRef<(proved: boolean) => void>(undefined);

  useEffect(
    () =>
      onProofNeeded(
        () =>
          new Promise((resolve) => {
            answer.current = resolve;
            setOpen(true);
          }),
      ),
    [],
  );
  const done = (proved: boolean) => {
    setOpen(false);
    answer.current?.(proved);
    answer.current = undefined;
  };
  return (
    <Dialog title={t("proveTitle")} size="small" isOpen={open} onClose={() => done(false)}>
      {open && <Proof onDone={() => done(true)} />}
    </Dialog>
  );
}

function Proof({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation("security");
  const { data: me } = useQuery(meQuery);
  const factors = useQuery({ ...factorsQuery, retry: false });
  const [byApp, setByApp] = useState(false);
  const passkey = (factors.data?.passkeys.length ?? 0) > 0 && !factors.data?.passkeyUnavailable && knowsPasskeys();
  return (
    <div className="grid gap-4">
      <p className="text-14 text-muted">{t("proveLead")}</p>
      {byApp ? (
        <CodeForm kind="app" label={t("code")} hint={t("codeHint")} act={t("proveAct")} onCode={async (code) => {
            await prove({ code });
            onDone();
          }} />
      ) : (
        <PasswordProof email={me?.account.email ?? ""} onDone={onDone} />
      )}
      {factors.data?.totp && <TextButton className="justify-self-start" onPress={() => setByApp(!byApp)}>{byApp ? t("usePassword") : t("useApp")}</TextButton>}
      {passkey && <PasskeyAct label={t("usePasskey")} act={async () => {
            await proveWithPasskey();
            onDone();
          }} />}
    </div>
  );
}

function PasswordProof({ email, onDone }: { email: string; onDone: () => void }) {
  const { t } = useTranslation("security");
  const { t: account } = useTranslation("account");
  const { t: common } = useTranslation("common");
  const form = useForm({
    initial: { password: "" },
    validate: (v) => ({ password: v.password ? undefined : common("required") }),
    submit: async (v) => {
      await prove({ password: v.password });
      onDone();
    },
    fieldError: (err) => ({ password: err.field === "password" ? account("currentWrong") : undefined }),
  });
  return (
    <form {...form.form} className="grid gap-4">
      {form.failure && <ErrorNotice error={form.failure} />}
      {/* For the browser's store of passwords. */}
      <input type="email" name="email" autoComplete="username" value={email} readOnly hidden />
      <PasswordField {...form.field("password")} label={t("provePassword")} autoComplete="current-password" autoFocus />
      <Button type="submit" tone="primary" isPending={form.pending} pendingLabel={t("checking")}>
        {t("proveAct")}
      </Button>
    </form>
  );
}
