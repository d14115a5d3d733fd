import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import type { Model } from "@/lib/api/types";
import { usePlaceText } from "@/lib/place";
import { Detail, Details } from "@/ui/details";
import { Dialog } from "@/ui/dialog";
import { Icon } from "@/ui/icon";

/** The quiet line under the composer: which model, processed where. It opens the explanation. */
export function WhereLine({ model, unkept = false }: { model: Model | undefined; unkept?: boolean }) {
  const { t } = useTranslation("chat");
  const placeText = usePlaceText();
  const [open, setOpen] = useState(false);
  if (!model) return <p className="min-h-8" />;
  const place = placeText(model.place);
  return (
    <>
      <AriaButton
        aria-haspopup="dialog"
        aria-label={t("whereOpen", { model: model.displayName, place })}
        onPress={() => setOpen(true)}
        className="mt-0.5 flex min-h-8 max-w-full items-center gap-x-2 rounded-4 px-2 text-14 leading-6 text-muted hover:text-default max-md:px-1 pointer-coarse:min-h-11"
      >
        <Icon of={ShieldCheck} size={16} className="max-md:hidden" />
        {/* One line; on a phone it may take a second rather than hide where things go. */}
        <span className="min-w-0 text-left md:truncate">
          {model.displayName}
          <Rule />
          {model.demo && (
            <>
              {t("demo")}
              <Rule />
            </>
          )}
          <span className="inline-block">{t("processedAt", { place })}</span>
        </span>
      </AriaButton>
      <Dialog title={t("whereTitle")} isOpen={open} onClose={() => setOpen(false)} dismissable>
        <div className="grid gap-4">
          <Details>
            <Detail name={t("model")}>
              {model.displayName}
              {model.description && <span className="block text-14 text-muted">{model.description}</span>}
            </Detail>
            <Detail name={t("connection")}>{model.connectionName}</Detail>
            <Detail name={t("place")}>{place}</Detail>
            <Detail name={t("sentLabel")}>{t("sentText")}</Detail>
            <Detail name={t("keptLabel")}>{unkept ? t("temporary.keptText") : t("keptText")}</Detail>
          </Details>
          {model.demo && <p className="rounded-8 bg-surface-raised px-4 py-3 text-14 leading-prose">{t("demoText")}</p>}
        </div>
      </Dialog>
    </>
  );
}

function Rule() {
  return <span aria-hidden="true" className="mx-2 inline-block h-3 w-px bg-[var(--border-control)] align-[-0.05em]" />;
}
