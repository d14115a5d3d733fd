import { RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { toApiError } from "@/lib/api/error";
import { useErrorText } from "@/lib/error-text";
import { cx } from "@/lib/cx";
import { Button } from "./button";
import { CopyButton } from "./copy-button";
import { Notice } from "./notice";

interface Props {
  error: unknown;
  /** Offered when trying again may help. */
  onRetry?: () => void;
  className?: string;
}

/** What to give an administrator, who finds it in the log. */
export function RequestId({ id }: { id: string }) {
  const { t } = useTranslation("ui");
  return (
    <span className="inline-flex flex-wrap items-center gap-x-1 text-14 text-muted">
      {t("requestId")} <code className="font-mono">{id}</code>
      <CopyButton text={id} label={t("copyRequestId")} />
    </span>
  );
}

/** What failed, why, what to do, and the request id for those who can look it up. */
export function ErrorNotice({ error, onRetry, className }: Props) {
  const { t } = useTranslation("ui");
  const err = toApiError(error);
  const text = useErrorText(err);
  // A wrong password needs no look into the log; a failure of ours does.
  const traceable = err.requestId !== "" && (err.status >= 500 || err.code === "unknown");
  return (
    <Notice
      tone="danger"
      live
      title={text.what}
      className={cx("text-left", className)}
      actions={
        (onRetry || traceable) && (
          <>
            {onRetry && (
              <Button size="dense" icon={RotateCw} onPress={onRetry}>
                {t("retry")}
              </Button>
            )}
            {traceable && <RequestId id={err.requestId} />}
          </>
        )
      }
    >
      {text.todo}
    </Notice>
  );
}
