import { RotateCw, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { type ErrorText, useErrorTextOf } from "@/lib/error-text";
import { useFormats } from "@/lib/format";
import { IconButton } from "@/ui/button";
import { type Takes, canTake } from "./attachable";
import { FileFace } from "./file-face";
import type { AttachmentItem } from "./use-attachments";

interface Props {
  items: readonly AttachmentItem[];
  onRemove: (key: string) => void;
  onRetry: (key: string) => void;
  /** What the chosen model can be shown. */
  takes: Takes;
}

/** The files that will go with the text. */
export function AttachmentList({ items, onRemove, onRetry, takes }: Props) {
  const { t } = useTranslation("chat");
  const format = useFormats();
  const errorText = useErrorTextOf();
  if (items.length === 0) return null;
  return (
    <ul aria-label={t("attachments")} className="flex flex-wrap gap-2 px-3 pt-3">
      {items.map((item) => (
        <li key={item.key} className={cx("flex max-w-full items-center gap-2 rounded-8 border bg-surface p-1 pr-0.5 text-14", item.state === "failed" ? "border-danger" : "border-rule")}>
          <FileFace name={item.name} preview={item.preview} className={cx((!canTake(takes, item.kind) || item.state === "uploading" || item.state === "waiting") && "opacity-50")} />
          <span className="grid min-w-0 leading-[1.35]">
            <span className="max-w-52 truncate" title={item.name}>{item.name}</span>
            {item.state === "uploading" ? (
              <progress className="upload-meter" max={1} value={item.progress} aria-label={t("uploadingNamed", { name: item.name })} />
            ) : item.state === "waiting" ? (
              <span className="text-muted">{t("uploadWaits")}</span>
            ) : item.state === "failed" && item.error ? (
              <FileFault {...errorText(item.error)} />
            ) : (
              <span className="text-muted">{format.bytes(item.size)}</span>
            )}
          </span>
          {item.state === "failed" && <IconButton icon={RotateCw} iconSize={16} size="dense" label={t("uploadAgain", { name: item.name })} onPress={() => onRetry(item.key)} />}
          <IconButton icon={X} iconSize={16} size="dense" label={t(item.state === "uploading" || item.state === "waiting" ? "uploadCancel" : "removeNamed", { name: item.name })} onPress={() => onRemove(item.key)} />
        </li>
      ))}
    </ul>
  );
}

/** Why a file was not taken, and how much would have been. */
function FileFault({ what, limit }: ErrorText) {
  return (
    <span className="max-w-72 text-danger">
      {what}
      {limit && <span className="block">{limit}</span>}
    </span>
  );
}
