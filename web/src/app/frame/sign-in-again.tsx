import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { meQuery, useMe } from "@/features/account/api";
import { SignInForm } from "@/features/account/sign-in-form";
import { stepOf } from "@/features/security/api";
import { SecondStepForm } from "@/features/security/second-step";
import { onSessionEnd, reportSignedIn } from "@/lib/api/client";
import type { Me } from "@/lib/api/types";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";

/**
 * Asks for the password, and the second factor, over the page when the session
 * ends under it, so that nothing typed is lost. Another person starts afresh.
 */
export function SignInAgain() {
  const { t } = useTranslation("frame");
  const { t: security } = useTranslation("security");
  const me = useMe();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState<"password" | "second">();

  useEffect(
    () =>
      onSessionEnd((err) => {
        if (err.code === "unauthenticated") setAsking("password");
        else if (err.code === "second_factor_required") setAsking("second");
        else {
          void client
            .fetchQuery({ ...meQuery, staleTime: 0 })
            .then((next) => navigate({ to: (next && stepOf(next)) ?? "/password", search: { from: window.location.pathname + window.location.search } }));
        }
      }),
    [navigate, client],
  );

  const leave = () => {
    client.clear();
    setAsking(undefined);
    void navigate({ to: "/sign-in", search: { from: window.location.pathname + window.location.search } });
  };

  const arrive = (next: Me) => {
    if (next.pending[0] === "second_factor" && next.account.id === me.account.id) {
      setAsking("second");
      return;
    }
    setAsking(undefined);
    if (next.account.id !== me.account.id) {
      window.location.assign("/"); // nothing of the one before may stay in memory
      return;
    }
    client.setQueryData(meQuery.queryKey, next);
    reportSignedIn();
    void client.invalidateQueries();
  };

  return (
    <Dialog title={asking === "second" ? security("secondTitle") : t("signInAgain")} size="small" isOpen={asking !== undefined} onClose={leave}>
      <p className="mb-4 text-14 text-muted">{t("signInAgainHint")}</p>
      {asking === "second" ? <SecondStepForm onDone={arrive} /> : <SignInForm email={me.account.email} onDone={arrive} />}
      <Button tone="quiet" size="dense" onPress={leave} className="mt-4 -ml-3">
        {t("otherAccount")}
      </Button>
    </Dialog>
  );
}
