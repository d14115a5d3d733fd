import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Me } from "@/lib/api/types";
import { knowsPasskeys } from "@/lib/webauthn";
import { TextButton } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Bar, Skeleton } from "@/ui/skeleton";
import { passWithCode, passWithPasskey, passWithRecoveryCode, secondStepQuery, type SecondStep } from "./api";
import { CodeForm } from "./code-form";
import { PasskeyAct } from "./passkey-act";

type Way = "app" | "passkey" | "recovery";

/** The second step of signing in: by whatever the account has, the handiest first. */
export function SecondStepForm({ onDone }: { onDone: (me: Me) => void }) {
  const step = useQuery({ ...secondStepQuery, gcTime: 0, staleTime: 0 });
  if (step.isPending)
    return (
      <Skeleton>
        <div className="grid gap-4">
          <Bar className="h-11" />
          <Bar className="h-11" />
        </div>
      </Skeleton>
    );
  if (step.error) return <ErrorNotice error={step.error} onRetry={() => void step.refetch()} />;
  return <Ways step={step.data} onDone={onDone} />;
}

function Ways({ step, onDone }: { step: SecondStep; onDone: (me: Me) => void }) {
  const { t } = useTranslation("security");
  const ways: Way[] = [];
  if (step.passkeys && knowsPasskeys()) ways.push("passkey");
  if (step.totp) ways.push("app");
  if (step.recoveryCodes) ways.push("recovery");
  const [chosen, setChosen] = useState<Way>();
  const way = chosen ?? ways[0];
  const names: Record<Way, string> = { passkey: t("usePasskey"), app: t("useCode"), recovery: t("useRecovery") };

  if (!way) return <Notice tone="warning" title={t("noMethods")}>{t("noMethodsHint")}</Notice>;
  return (
    <div className="grid gap-6">
      {way === "passkey" ? (
        <PasskeyAct label={t("usePasskey")} tone="primary" autoFocus act={async () => onDone(await passWithPasskey())} />
      ) : way === "app" ? (
        <CodeForm key="app" kind="app" label={t("code")} hint={t("codeHint")} act={t("confirm")} onCode={async (code) => onDone(await passWithCode(code))} />
      ) : (
        <CodeForm key="recovery" kind="recovery" label={t("recovery")} hint={t("recoveryHint")} act={t("confirm")} onCode={async (code) => onDone(await passWithRecoveryCode(code))} />
      )}
      <ul className="grid justify-items-start gap-2">
        {ways
          .filter((other) => other !== way)
          .map((other) => (
            <li key={other}>
              <TextButton onPress={() => setChosen(other)}>{names[other]}</TextButton>
            </li>
          ))}
      </ul>
      <p className="text-14 text-muted">{t("secondLost")}</p>
    </div>
  );
}
