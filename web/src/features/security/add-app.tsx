import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { CopyButton } from "@/ui/copy-button";
import { Dialog } from "@/ui/dialog";
import { ErrorNotice } from "@/ui/error-notice";
import { Bar, Skeleton } from "@/ui/skeleton";
import { toast } from "@/ui/toast";
import { beginApp, confirmApp } from "./api";
import { CodeForm } from "./code-form";

interface Props {
  onClose: () => void;
  /** It is kept; codes is a first set of recovery codes, or empty. */
  onAdded: (codes: string[]) => void;
}

/** Sets up an authenticator app: its picture, then its first code. */
export function AddAppDialog({ onClose, onAdded }: Props) {
  const { t } = useTranslation("security");
  return (
    <Dialog title={t("enrolTitle")} isOpen onClose={onClose}>
      <AddApp onAdded={onAdded} />
    </Dialog>
  );
}

/** The secret is drawn once for as long as the dialog is open. */
function AddApp({ onAdded }: Pick<Props, "onAdded">) {
  const { t } = useTranslation("security");
  const client = useQueryClient();
  const begun = useQuery({ queryKey: ["me", "new-app"], queryFn: beginApp, staleTime: Infinity, gcTime: 0, retry: false, refetchOnWindowFocus: false });
  if (begun.isPending)
    return (
      <Skeleton>
        <Bar className="size-48" />
      </Skeleton>
    );
  if (begun.error) return <ErrorNotice error={begun.error} onRetry={() => void begun.refetch()} />;
  const { enrolment, secret, qrSize, qrPath } = begun.data;
  const spaced = secret.match(/.{1,4}/g)?.join(" ") ?? secret;
  return (
    <div className="grid gap-6">
      <div className="grid grid-cols-[auto_minmax(0,1fr)] items-center gap-x-6 gap-y-4 max-md:grid-cols-1">
        {/* Dark on light in both themes: readers want it so. */}
        <svg role="img" aria-label={t("enrolPicture")} viewBox={`0 0 ${qrSize} ${qrSize}`} shapeRendering="crispEdges" className="size-48 rounded-8 border border-rule bg-[#fff] max-md:justify-self-center">
          <path d={qrPath} fill="#000" />
        </svg>
        <div className="grid gap-3">
          <p>{t("enrolScan")}</p>
          <div>
            <p className="text-14 text-muted">{t("enrolText")}</p>
            <p className="mt-1 flex flex-wrap items-center gap-x-1">
              <code className="font-mono text-14">{spaced}</code>
              <CopyButton text={secret} label={t("copySecret")} />
            </p>
          </div>
        </div>
      </div>
      <CodeForm
        kind="app"
        label={t("enrolCode")}
        hint={t("enrolCodeHint")}
        act={t("enrolAct")}
        onCode={async (code) => {
          const { recoveryCodes } = await confirmApp({ enrolment, code });
          client.removeQueries({ queryKey: ["me", "new-app"] });
          toast({ text: t("appAdded") });
          onAdded(recoveryCodes);
        }}
      />
    </div>
  );
}
