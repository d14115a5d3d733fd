import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { meQuery, useMe } from "@/features/account/api";
import { useFormats } from "@/lib/format";
import { Button } from "@/ui/button";
import { ConfirmDialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { NameDialog } from "@/ui/name-dialog";
import { Notice } from "@/ui/notice";
import { Page, Scroll, Section } from "@/ui/page";
import { Bar, Skeleton } from "@/ui/skeleton";
import { State } from "@/ui/state";
import { toast } from "@/ui/toast";
import { factorsQuery, newRecoveryCodes, removeApp, removePasskey, renamePasskey, type Passkey, type SecondFactors } from "./api";
import { AddPasskeyButton, useAdding, usePasskeyObstacle } from "./ways";

/** What a person proves who they are with beside a password. */
export function SecurityPage() {
  const { t } = useTranslation("security");
  const factors = useQuery(factorsQuery);
  return (
    <Page title={t("title")}>
      <Scroll>
        <div className="grid w-full max-w-[49.5rem] grid-cols-[minmax(0,1fr)] px-6 pt-2 pb-16 max-md:px-4">
          {factors.isPending ? (
            <Skeleton>
              <div className="grid gap-4">
                <Bar className="w-1/3" />
                <Bar className="h-20 w-full" />
                <Bar className="h-20 w-full" />
              </div>
            </Skeleton>
          ) : factors.error ? (
            <ErrorNotice error={factors.error} onRetry={() => void factors.refetch()} />
          ) : (
            <Factors factors={factors.data} />
          )}
        </div>
      </Scroll>
    </Page>
  );
}

type Asking = { what: "removeApp" | "newCodes" } | { what: "rename" | "remove"; key: Passkey };

function Factors({ factors }: { factors: SecondFactors }) {
  const { t } = useTranslation("security");
  const format = useFormats();
  const client = useQueryClient();
  const { secondFactor } = useMe();
  const [asking, setAsking] = useState<Asking>();
  const refresh = () =>
    Promise.all([client.invalidateQueries({ queryKey: factorsQuery.queryKey }), client.invalidateQueries({ queryKey: meQuery.queryKey, exact: true })]);
  const { add, show, dialogs } = useAdding(refresh);
  const obstacle = usePasskeyObstacle(factors);
  const close = () => setAsking(undefined);
  const off = secondFactor.requirement === "off";
  const on = factors.totp !== undefined || factors.passkeys.length > 0;
  const { recoveryCodes } = factors;
  const seen = (at: string | undefined) => (at ? t("used", { seen: format.within(at) }) : t("neverUsed"));

  return (
    <>
      <Section title={on ? t("stateOn") : t("stateOff")} hint={t("lead")}>
        {off ? (
          <Notice>{t("switchedOff")}</Notice>
        ) : secondFactor.dueBy ? (
          <Notice tone="warning">{t("requiredBy", { due: format.dateTime(secondFactor.dueBy) })}</Notice>
        ) : (
          secondFactor.requirement === "required" && <p className="text-14">{t("requiredOn")}</p>
        )}
      </Section>

      <Section
        id="passkeys"
        title={t("passkeys")}
        hint={t("passkeysHint")}
        actions={!off && !obstacle && <AddPasskeyButton factors={factors} onAdd={() => add("passkey")} />}
      >
        {obstacle && !off && <p className="mb-3 text-14 text-muted">{obstacle}</p>}
        {factors.passkeys.length === 0 ? (
          <p className="text-14">{t("passkeysNone")}</p>
        ) : (
          <ul className="border-t border-rule">
            {factors.passkeys.map((key) => (
              <li key={key.id} className="grid gap-2 border-b border-rule py-3">
                <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
                  <div className="min-w-0">
                    <p className="break-words">{key.name}</p>
                    <p className="text-14 text-muted">
                      {[seen(key.lastUsedAt), t("appSince", { since: format.monthDay(key.createdAt) }), key.backedUp ? t("synced") : key.backupEligible ? t("syncable") : t("bound"), ...(key.verifies ? [] : [t("onlySecond")])].map((fact, i) => (
                        <span key={i} className="mr-3 inline-block">
                          {fact}
                        </span>
                      ))}
                    </p>
                  </div>
                  <div className="flex gap-2">
                    <Button size="dense" aria-label={`${t("rename")} ${key.name}`} onPress={() => setAsking({ what: "rename", key })}>
                      {t("rename")}
                    </Button>
                    <Button size="dense" tone="danger" aria-label={`${t("remove")} ${key.name}`} onPress={() => setAsking({ what: "remove", key })}>
                      {t("remove")}
                    </Button>
                  </div>
                </div>
                {key.clonedAt && (
                  <Notice tone="danger" title={t("cloned")}>
                    {t("clonedBody", { time: format.dateTime(key.clonedAt) })}
                  </Notice>
                )}
              </li>
            ))}
          </ul>
        )}
      </Section>

      <Section
        id="app"
        title={t("app")}
        hint={t("appHint")}
        actions={
          !off && (
            <Button size="dense" onPress={() => add("app")}>
              {factors.totp ? t("replaceApp") : t("addApp")}
            </Button>
          )
        }
      >
        {factors.totp ? (
          <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
            <p>
              <State tone="on">{t("appSince", { since: format.monthDay(factors.totp.createdAt) })}</State>
              <span className="ml-3 text-14 text-muted">{seen(factors.totp.lastUsedAt)}</span>
            </p>
            <Button size="dense" tone="danger" aria-label={t("removeApp")} onPress={() => setAsking({ what: "removeApp" })}>
              {t("remove")}
            </Button>
          </div>
        ) : (
          <p className="text-14">{t("appNone")}</p>
        )}
      </Section>

      <Section
        id="recovery"
        title={t("codes")}
        hint={t("codesHint")}
        actions={
          on && (
            <Button size="dense" onPress={() => setAsking({ what: "newCodes" })}>
              {t("newCodes")}
            </Button>
          )
        }
      >
        {recoveryCodes.total === 0 ? (
          <p className="text-14">{t("codesNone")}</p>
        ) : (
          <>
            <p className="tabular-nums">{t("codesLeft", { left: recoveryCodes.left, total: recoveryCodes.total })}</p>
            {recoveryCodes.left <= 3 && (
              <Notice tone="warning" className="mt-3">
                {t("codesFew")}
              </Notice>
            )}
          </>
        )}
      </Section>

      {dialogs}
      <ConfirmDialog
        title={t("removeAppTitle")}
        confirmLabel={t("remove")}
        isOpen={asking?.what === "removeApp"}
        onClose={close}
        onConfirm={async () => {
          await removeApp();
          toast({ text: t("appRemoved") });
          await refresh();
        }}
      >
        <p>{t("removeAppBody")}</p>
      </ConfirmDialog>
      <ConfirmDialog
        title={t("newCodesTitle")}
        confirmLabel={t("newCodesAct")}
        tone="primary"
        isOpen={asking?.what === "newCodes"}
        onClose={close}
        onConfirm={async () => show((await newRecoveryCodes()).recoveryCodes)}
      >
        <p>{t("newCodesBody")}</p>
      </ConfirmDialog>
      <ConfirmDialog
        title={t("removePasskeyTitle", { name: asking && "key" in asking ? asking.key.name : "" })}
        confirmLabel={t("remove")}
        isOpen={asking?.what === "remove"}
        onClose={close}
        onConfirm={async () => {
          if (asking?.what !== "remove") return;
          await removePasskey(asking.key.id);
          toast({ text: t("passkeyRemoved", { name: asking.key.name }) });
          await refresh();
        }}
      >
        <p>{t("removePasskeyBody")}</p>
      </ConfirmDialog>
      {asking?.what === "rename" && (
        <NameDialog
          title={t("renameTitle")}
          label={t("passkeyName")}
          hint={t("passkeyNameHint")}
          name={asking.key.name}
          act={t("rename")}
          maxLength={60}
          onClose={close}
          onSave={async (name) => {
            await renamePasskey(asking.key.id, name);
            toast({ text: t("passkeyRenamed") });
            await refresh();
          }}
        />
      )}
    </>
  );
}
