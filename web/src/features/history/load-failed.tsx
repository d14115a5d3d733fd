import { RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { toApiError } from "@/lib/api/error";
import { useErrorTextOf } from "@/lib/error-text";
import { Button } from "@/ui/button";

/** Small, as its place: what failed, and the way to try again. */
export function LoadFailed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation("ui");
  const errorText = useErrorTextOf();
  return (
    <div role="alert" className="grid justify-items-start gap-2 px-[13px] py-2 text-14 text-muted">
      <p>{errorText(toApiError(error)).what}</p>
      <Button size="dense" icon={RotateCw} onPress={onRetry}>
        {t("retry")}
      </Button>
    </div>
  );
}
