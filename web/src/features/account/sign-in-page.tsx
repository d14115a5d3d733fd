import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { applyPreferences, meQuery, setupQuery } from "./api";
import { Door } from "./door";
import { SignInForm } from "./sign-in-form";

/** The way in. Goes on to where the person wanted to go. */
export function SignInPage({ from }: { from?: string }) {
  const { t } = useTranslation("account");
  const navigate = useNavigate();
  const router = useRouter();
  const client = useQueryClient();
  const setup = useQuery(setupQuery());

  return (
    <Door title={t("signIn")}>
      {setup.data?.needed ? (
        <Notice title={t("notSetUp")}>{t("notSetUpHint")}</Notice>
      ) : (
        <>
          {setup.error && <ErrorNotice error={setup.error} onRetry={() => void setup.refetch()} className="mb-4" />}
          <SignInForm
            onDone={(me) => {
              client.clear();
              client.setQueryData(meQuery.queryKey, me);
              applyPreferences(me.preferences);
              if (me.account.mustChangePassword) void navigate({ to: "/password", replace: true });
              else if (from) router.history.replace(from);
              else void navigate({ to: "/", replace: true });
            }}
          />
          <p className="mt-6 text-14 text-muted">{t("forgot")}</p>
        </>
      )}
    </Door>
  );
}
