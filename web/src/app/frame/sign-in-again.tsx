import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { meQuery, useMe } from "@/features/account/api";
import { SignInForm } from "@/features/account/sign-in-form";
import { onSessionEnd, reportSignedIn } from "@/lib/api/client";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";

/**
 * Asks for the password over the page when the session ends under it, so
 * that nothing typed is lost. Another person starts afresh.
 */
export function SignInAgain() {
  const { t } = useTranslation("frame");
  const me = useMe();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);

  useEffect(
    () =>
      onSessionEnd((err) => {
        if (err.code === "unauthenticated") setOpen(true);
        else void navigate({ to: "/password" });
      }),
    [navigate],
  );

  const leave = () => {
    client.clear();
    setOpen(false);
    void navigate({ to: "/sign-in", search: { from: window.location.pathname + window.location.search } });
  };

  return (
    <Dialog title={t("signInAgain")} size="small" isOpen={open} onClose={leave}>
      <p className="mb-4 text-14 text-muted">{t("signInAgainHint")}</p>
      <SignInForm
        email={me.account.email}
        onDone={(next) => {
          setOpen(false);
          if (next.account.id !== me.account.id) {
            window.location.assign("/"); // nothing of the one before may stay in memory
            return;
          }
          client.setQueryData(meQuery.queryKey, next);
          reportSignedIn();
          void client.invalidateQueries();
        }}
      />
      <Button tone="quiet" size="dense" onPress={leave} className="mt-4 -ml-3">
        {t("otherAccount")}
      </Button>
    </Dialog>
  );
}
