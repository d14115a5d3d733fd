import { Download } from "lucide-react";
import { useTranslation } from "react-i18next";
import { downloadText } from "@/lib/download";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/copy-button";
import type { Finding } from "./api";

/** A policy as people paste it: in a box of its own that scrolls, to copy and to keep. */
export function DocumentBox({ name, document }: { name: string; document: unknown }) {
  const { t } = useTranslation("policy");
  const text = JSON.stringify(document, null, 2);
  const file = `${name}.json`;
  return (
    <div className="min-w-0 overflow-hidden rounded-8 border border-rule">
      <div className="flex flex-wrap items-center justify-between gap-x-2 border-b border-rule bg-surface-raised py-0.5 pr-1 pl-3">
        <code className="min-w-0 font-mono text-14 break-all">{file}</code>
        <span className="ml-auto flex">
          <CopyButton text={text} label={t("copyNamed", { name })} words={t("copy")} />
          <Button tone="quiet" size="dense" icon={Download} aria-label={t("downloadNamed", { name })} onPress={() => downloadText(file, "application/json", `${text}\n`)}>
            {t("download")}
          </Button>
        </span>
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it */}
      <pre tabIndex={0} role="region" aria-label={name} className="max-h-80 overflow-auto px-3 py-2 font-mono text-14 leading-150">
        {text}
      </pre>
    </div>
  );
}

/** What the linter has to say of policies. */
export function Findings({ list }: { list: Finding[] | undefined }) {
  const { t } = useTranslation("policy");
  if (!list || list.length === 0) return null;
  return (
    <ul aria-label={t("findings")} className="grid list-disc gap-1 pl-5 text-14">
      {list.map((f, i) => (
        <li key={i}>
          {f.severity === "warning" && <strong>{t("warningMark")}</strong>} {f.text}
        </li>
      ))}
    </ul>
  );
}
