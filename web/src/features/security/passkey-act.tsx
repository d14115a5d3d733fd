import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { isAbort } from "@/lib/api/error";
import { PasskeyError } from "@/lib/webauthn";
import { Button, type ButtonTone } from "@/ui/button";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";

/** What went wrong with a passkey, in the browser or on the server. */
export function PasskeyFailure({ error }: { error: unknown }) {
  const { t } = useTranslation("security");
  if (!error) return null;
  if (error instanceof PasskeyError) return <Notice live tone="warning" title={t(error.trouble)} />;
  return <ErrorNotice error={error} />;
}

interface Props {
  label: string;
  tone?: ButtonTone;
  act: () => Promise<unknown>;
  autoFocus?: boolean;
}

/** A button that asks the device. */
export function PasskeyAct({ label, tone = "secondary", act, autoFocus }: Props) {
  const { t } = useTranslation("security");
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const run = async () => {
    setPending(true);
    setFailure(undefined);
    try {
      await act();
    } catch (err) {
      if (!isAbort(err)) setFailure(err);
    } finally {
      setPending(false);
    }
  };
  return (
    <div className="grid gap-3">
      <PasskeyFailure error={failure} />
      <Button tone={tone} icon={KeyRound} isPending={pending} pendingLabel={t("waiting")} onPress={() => void run()} autoFocus={autoFocus} className="min-h-12">
        {label}
      </Button>
    </div>
  );
}
