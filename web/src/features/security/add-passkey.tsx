import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useForm } from "@/lib/use-form";
import { deviceOf } from "@/lib/user-agent";
import { PasskeyError } from "@/lib/webauthn";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { TextField } from "@/ui/text-field";
import { toast } from "@/ui/toast";
import { addPasskey } from "./api";
import { PasskeyFailure } from "./passkey-act";

interface Props {
  onClose: () => void;
  /** It is kept; codes is a first set of recovery codes, or empty. */
  onAdded: (codes: string[]) => void;
}

/** Makes a passkey on this device, under a name. */
export function AddPasskeyDialog({ onClose, onAdded }: Props) {
  const { t } = useTranslation("security");
  const { t: account } = useTranslation("account");
  const { t: common } = useTranslation("common");
  const { t: ui } = useTranslation("ui");
  const [trouble, setTrouble] = useState<PasskeyError>();
  const device = deviceOf(navigator.userAgent);
  const form = useForm({
    initial: { name: device ? account("device", device) : t("passkeyNameFirst") },
    validate: (v) => ({ name: v.name.trim() ? undefined : common("required") }),
    submit: async (v) => {
      setTrouble(undefined);
      try {
        const { passkey, recoveryCodes } = await addPasskey(v.name.trim());
        toast({ text: t("passkeyAdded", { name: passkey.name }) });
        onAdded(recoveryCodes);
      } catch (err) {
        if (!(err instanceof PasskeyError)) throw err;
        setTrouble(err);
      }
    },
  });
  return (
    <Dialog
      title={t("addPasskey")}
      size="small"
      isOpen
      onClose={onClose}
      footer={
        <>
          <Button onPress={onClose}>{ui("cancel")}</Button>
          <Button tone="primary" isPending={form.pending} pendingLabel={t("waiting")} onPress={() => void form.submit()}>
            {t("goOn")}
          </Button>
        </>
      }
    >
      <form {...form.form} className="grid gap-4">
        {form.failure && <ErrorNotice error={form.failure} />}
        <PasskeyFailure error={trouble} />
        <TextField {...form.field("name")} label={t("passkeyName")} hint={t("passkeyNameHint")} autoFocus autoComplete="off" maxLength={60} />
        <p className="text-14 text-muted">{t("addPasskeyLead")}</p>
        <button type="submit" hidden aria-hidden="true" tabIndex={-1} />
      </form>
    </Dialog>
  );
}
