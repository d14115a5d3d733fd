import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Decision, Foreseen } from "@/lib/api/types";
import { usePlaceText } from "@/lib/place";
import { ErrorNotice } from "@/ui/error-notice";
import { Notice } from "@/ui/notice";
import { Bar, Skeleton } from "@/ui/skeleton";
import { Badge } from "@/ui/state";
import { catalogueQuery } from "../models/api";
import { type Draft, previewQuery } from "./api";
import { changes } from "./draft";
import { useVerdict, useVerdictText, Verdict } from "./verdict";

/** What a policy means for each model of the catalogue, and what of that is new. */
export function Effects({ draft, changed }: { draft: Draft; changed: boolean }) {
  const { t } = useTranslation("admin");
  const placeText = usePlaceText();
  const verdictOf = useVerdict();
  const verdictText = useVerdictText();
  const catalogue = useQuery(catalogueQuery);
  const foreseen = useQuery({ ...previewQuery(draft), placeholderData: keepPreviousData });
  if (foreseen.error || catalogue.error) {
    return (
      <ErrorNotice
        error={foreseen.error ?? catalogue.error}
        onRetry={() => {
          void foreseen.refetch();
          void catalogue.refetch();
        }}
      />
    );
  }
  if (!foreseen.data || !catalogue.data) {
    return (
      <Skeleton>
        <Bar className="h-20 w-full" />
      </Skeleton>
    );
  }
  const nameOf = (m: Foreseen) => catalogue.data.items.find((one) => one.id === m.modelId)?.displayName ?? "";
  const items = foreseen.data.items.filter((m) => nameOf(m) !== "");
  if (items.length === 0) return <p className="text-muted">{t("residency.noModels")}</p>;
  const mayUse = (decision: Decision) => verdictOf(decision) === "allowed";
  const { barred, allowed } = changes(items, mayUse);
  const nothingLeft = !items.some((m) => mayUse(m.then));
  return (
    <div className="grid gap-4" aria-busy={foreseen.isPlaceholderData}>
      {(changed || nothingLeft) && (
        <Notice live tone={nothingLeft || barred.length > 0 ? "warning" : "info"} title={nothingLeft ? t("residency.allBarred") : undefined}>
          {barred.length > 0 && <p>{t("residency.barredCount", { count: barred.length })}</p>}
          {allowed.length > 0 && <p>{t("residency.allowedCount", { count: allowed.length })}</p>}
          {changed && barred.length + allowed.length === 0 && <p>{t("residency.noneChanged")}</p>}
        </Notice>
      )}
      <ul aria-label={t("residency.effects")} className="border-t border-rule">
        {items.map((m) => (
          <li key={m.modelId} className="grid gap-x-4 gap-y-1 border-b border-rule py-3 md:grid-cols-[minmax(0,1fr)_8rem]">
            <div className="min-w-0">
              <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
                <span className="min-w-0 font-bold break-words">{nameOf(m)}</span>
                {barred.includes(m) && <Badge tone="warning">{t("residency.newlyBarred")}</Badge>}
                {allowed.includes(m) && <Badge tone="accent">{t("residency.newlyAllowed")}</Badge>}
              </p>
              <p className="text-14 break-words text-muted">{placeText(m.then.place)}</p>
              {!mayUse(m.then) && <p className="text-14 break-words">{verdictText(m.then)}</p>}
            </div>
            <p className="text-14 md:pt-0.5">
              <Verdict decision={m.then} />
            </p>
          </li>
        ))}
      </ul>
    </div>
  );
}
