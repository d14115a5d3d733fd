import { useTranslation } from "react-i18next";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { Dialog } from "@/ui/dialog";

interface Props {
  shown: { name: string; password: string } | null;
  onClose: () => void;
}

/** A temporary password, shown this once. */
export function TemporaryPassword({ shown, onClose }: Props) {
  const { t } = useTranslation("admin");
  return (
    <Dialog
      title={t("accounts.passwordTitle", { name: shown?.name ?? "" })}
      size="small"
      isOpen={shown !== null}
      onClose={onClose}
      footer={
        <Button tone="primary" onPress={onClose}>
          {t("accounts.passwordDone")}
        </Button>
      }
    >
      <p className="leading-prose">{t("accounts.passwordBody")}</p>
      <div className="my-4 flex items-center justify-between gap-2 rounded-8 border border-strong bg-surface-raised py-2 pr-2 pl-4">
        <code className="font-mono text-18 select-all">{shown?.password}</code>
        <CopyButton text={shown?.password ?? ""} label={t("accounts.passwordCopy")} words={t("accounts.copy")} />
      </div>
      <p className="text-14 text-muted">{t("accounts.passwordHint")}</p>
    </Dialog>
  );
}
