import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { PasskeySignIn } from "@/features/security/passkey-sign-in";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { setupQuery } from "./api";
import { useArrive } from "./arrive";
import { Door } from "./door";
import { SignInForm } from "./sign-in-form";

/** The way in. Goes on to where the person wanted to go. */
export function SignInPage({ from }: { from?: string }) {
  const { t } = useTranslation("account");
  const arrive = useArrive(from);
  const setup = useQuery(setupQuery());

  return (
    <Door title={t("signIn")}>
      {setup.data?.needed ? (
        <Notice title={t("notSetUp")}>{t("notSetUpHint")}</Notice>
      ) : (
        <>
          {setup.error && <ErrorNotice error={setup.error} onRetry={() => void setup.refetch()} className="mb-4" />}
          <SignInForm onDone={arrive} />
          {setup.data?.passkeys && <PasskeySignIn onDone={arrive} />}
          <p className="mt-6 text-14 text-muted">{t("forgot")}</p>
        </>
      )}
    </Door>
  );
}
