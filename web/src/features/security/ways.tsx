import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useErrorTextOf } from "@/lib/error-text";
import { Button, type ButtonTone } from "@/ui/button";
import { knowsPasskeys } from "@/lib/webauthn";
import { AddAppDialog } from "./add-app";
import { AddPasskeyDialog } from "./add-passkey";
import type { SecondFactors } from "./api";
import { RecoveryCodesDialog } from "./recovery-codes";

/** Adding an app or a passkey, with the recovery codes that come of the first. */
export function useAdding(onDone: () => unknown) {
  const [adding, setAdding] = useState<"app" | "passkey">();
  const [codes, setCodes] = useState<string[]>();
  const added = (fresh: string[]) => {
    setAdding(undefined);
    if (fresh.length > 0) setCodes(fresh);
    else onDone();
  };
  const close = () => setAdding(undefined);
  const dialogs = (
    <>
      {adding === "app" && <AddAppDialog onClose={close} onAdded={added} />}
      {adding === "passkey" && <AddPasskeyDialog onClose={close} onAdded={added} />}
      {codes && (
        <RecoveryCodesDialog
          codes={codes}
          onClose={() => {
            setCodes(undefined);
            onDone();
          }}
        />
      )}
    </>
  );
  return { add: setAdding, show: setCodes, dialogs };
}

/** Why there can be no passkey here, in words. */
export function usePasskeyObstacle(factors: Pick<SecondFactors, "passkeyUnavailable">): string | undefined {
  const { t } = useTranslation("security");
  const words = useErrorTextOf();
  if (factors.passkeyUnavailable) return words({ code: "passkey_unavailable", params: { reason: factors.passkeyUnavailable }, detail: "" }).said;
  return knowsPasskeys() ? undefined : t("unsupported");
}

interface AddProps {
  factors: SecondFactors;
  tone?: ButtonTone;
  size?: "normal" | "dense";
  onAdd: () => void;
}

/** The button that adds a passkey, or says why none can be. */
export function AddPasskeyButton({ factors, tone, size = "dense", onAdd }: AddProps) {
  const { t } = useTranslation("security");
  const obstacle = usePasskeyObstacle(factors);
  return (
    <Button tone={tone} size={size} disabledReason={obstacle} onPress={onAdd}>
      {t("addPasskey")}
    </Button>
  );
}
