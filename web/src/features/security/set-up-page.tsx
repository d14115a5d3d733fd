import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { meQuery, signOut } from "@/features/account/api";
import { useArrive } from "@/features/account/arrive";
import { Door } from "@/features/account/door";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { Bar, Skeleton } from "@/ui/skeleton";
import { useAct } from "@/ui/use-act";
import { factorsQuery } from "./api";
import { AddPasskeyButton, useAdding, usePasskeyObstacle } from "./ways";

/** Where somebody comes who lacks a second factor that the policy asks for; in time, they may go on without. */
export function SetUpPage({ from }: { from?: string | undefined }) {
  const { t } = useTranslation("security");
  const format = useFormats();
  const client = useQueryClient();
  const navigate = useNavigate();
  const act = useAct();
  const arrive = useArrive(from);
  const me = useQuery(meQuery);
  const factors = useQuery(factorsQuery);
  const { add, dialogs } = useAdding(() =>
    act(async () => {
      const next = await client.fetchQuery({ ...meQuery, staleTime: 0 });
      if (next) arrive(next);
    }),
  );
  const obstacle = usePasskeyObstacle(factors.data ?? { passkeyUnavailable: "" });
  const mayWait = me.data && me.data.pending.length === 0;
  return (
    <Door title={t("setUpTitle")}>
      <p className="mb-2 leading-prose">{t("setUpLead")}</p>
      {mayWait && me.data?.secondFactor.dueBy && <p className="mb-2 leading-prose">{t("setUpDue", { due: format.dateTime(me.data.secondFactor.dueBy) })}</p>}
      {factors.isPending ? (
        <Skeleton>
          <Bar className="mt-4 h-24" />
        </Skeleton>
      ) : factors.error ? (
        <ErrorNotice error={factors.error} onRetry={() => void factors.refetch()} />
      ) : (
        <div className="mt-6 grid gap-6">
          {!obstacle && (
            <section className="grid justify-items-start gap-2">
              <h2 className="text-16">{t("passkeys")}</h2>
              <p className="text-14 text-muted">{t("passkeysHint")}</p>
              <AddPasskeyButton factors={factors.data} tone="primary" size="normal" onAdd={() => add("passkey")} />
            </section>
          )}
          <section className="grid justify-items-start gap-2">
            <h2 className="text-16">{t("app")}</h2>
            <p className="text-14 text-muted">{t("appHint")}</p>
            <Button tone={obstacle ? "primary" : "secondary"} onPress={() => add("app")}>
              {t("addApp")}
            </Button>
          </section>
          {obstacle && <p className="text-14 text-muted">{obstacle}</p>}
        </div>
      )}
      <div className="mt-8 flex flex-wrap gap-2 border-t border-rule pt-4">
        {mayWait && (
          <Button tone="quiet" size="dense" className="-ml-3" onPress={() => me.data && arrive(me.data)}>
            {t("later")}
          </Button>
        )}
        <Button
          tone="quiet"
          size="dense"
          className={mayWait ? "" : "-ml-3"}
          onPress={() =>
            void act(async () => {
              await signOut();
              client.clear();
              await navigate({ to: "/sign-in", replace: true });
            })
          }
        >
          {t("signOut")}
        </Button>
      </div>
      {dialogs}
    </Door>
  );
}
