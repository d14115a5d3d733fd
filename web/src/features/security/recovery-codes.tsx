import { Download, Printer } from "lucide-react";
import { useTranslation } from "react-i18next";
import { downloadText } from "@/lib/download";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import { Dialog } from "@/ui/dialog";
import { Notice } from "@/ui/notice";
import "./print.css";

interface Props {
  codes: readonly string[];
  onClose: () => void;
}

/** Recovery codes, this once: to be printed, saved or copied. */
export function RecoveryCodesDialog({ codes, onClose }: Props) {
  const { t } = useTranslation("security");
  const text = `${t("fileTitle")}\n${window.location.origin}\n\n${codes.join("\n")}\n\n${t("fileHint")}\n`;
  return (
    <Dialog
      title={t("codesTitle")}
      isOpen
      onClose={onClose}
      footer={
        <Button tone="primary" onPress={onClose}>
          {t("codesKept")}
        </Button>
      }
    >
      <div className="grid gap-4" data-print>
        <p className="hidden print:block">
          <span className="block text-18 font-bold">{t("fileTitle")}</span>
          {window.location.origin}
          <span className="mt-2 block">{t("fileHint")}</span>
        </p>
        <div data-no-print>
          <Notice tone="warning">{t("codesOnce")}</Notice>
        </div>
        <ul aria-label={t("codesList")} className="grid grid-cols-2 gap-x-6 gap-y-1 rounded-8 border border-rule bg-surface-raised px-6 py-4 font-mono text-18 max-[22rem]:grid-cols-1">
          {codes.map((code) => (
            <li key={code}>{code}</li>
          ))}
        </ul>
        <div className="flex flex-wrap gap-2" data-no-print>
          <Button size="dense" icon={Download} onPress={() => downloadText("kakoi-recovery-codes.txt", "text/plain;charset=utf-8", text)}>
            {t("download")}
          </Button>
          <Button size="dense" icon={Printer} onPress={() => window.print()}>
            {t("print")}
          </Button>
          <CopyButton text={text} label={t("copyCodes")} words={t("copy")} />
        </div>
      </div>
    </Dialog>
  );
}
