import { CircleCheck, CircleX } from "lucide-react";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import type { Decision, Place } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import { nameOfCountry, useReasonText, useRegionName } from "@/lib/place";
import { Button, TextLink } from "@/ui/button";
import { Detail, Details } from "@/ui/details";
import { Icon } from "@/ui/icon";

interface Props {
  decision: Decision;
  /** The model as it was asked about, by which AWS knows it. */
  modelId: string;
  /** Of the data of inference profiles. */
  version: string;
  /** Asks about another way to the same model. */
  onInstead: (modelId: string) => void;
}

/** What was decided about one call, why, and how that is known. */
export function DecisionView({ decision, modelId, version, onInstead }: Props) {
  const { t } = useTranslation("admin");
  const reasonText = useReasonText();
  const regionName = useRegionName();
  const { allowed, place, instead } = decision;
  const calls = place.from ?? (place.kind === "regions" ? place.regions?.[0] : undefined);
  return (
    <div className={cx("rounded-8 border px-4 py-3", allowed ? "border-success" : "border-danger")}>
      <p className="flex items-center gap-2 text-16 font-bold">
        <Icon of={allowed ? CircleCheck : CircleX} className={allowed ? "text-success" : "text-danger"} />
        {allowed ? t("residency.canUse") : t("residency.cannotUse")}
      </p>
      <Details className="mt-3 text-14 leading-[1.6] md:grid-cols-[9.5rem_minmax(0,1fr)]">
        <Detail name={t("residency.why")}>{reasonText(decision.reason, decision.params) || decision.text}</Detail>
        <Detail name={t("residency.where")}>
          <Where place={place} />
        </Detail>
        {calls && <Detail name={t("residency.calls")}>{t("residency.regionLong", { name: regionName(calls), id: calls })}</Detail>}
        {place.profile && (
          <Detail name={t("residency.profile")}>
            <code className="font-mono break-all">{place.profile}</code>
          </Detail>
        )}
        {place.model && (
          <Detail name={t("residency.foundation")}>
            <code className="font-mono break-all">{place.model}</code>
          </Detail>
        )}
        {!allowed && place.model && (
          <Detail name={t("residency.instead")}>
            {instead.length === 0 ? (
              t("residency.insteadNone")
            ) : (
              <ul className="grid gap-1">
                {instead.map((id) => (
                  <li key={id} className="flex flex-wrap items-center gap-x-3">
                    <code className="min-w-0 font-mono break-all">{id}</code>
                    <Button size="dense" aria-label={t("residency.insteadNamed", { id })} onPress={() => onInstead(id)}>
                      {t("residency.insteadAsk")}
                    </Button>
                  </li>
                ))}
              </ul>
            )}
          </Detail>
        )}
        <Detail name={t("residency.known")}>
          <Known place={place} version={version} />
        </Detail>
        {calls && (
          <Detail name={t("residency.aws")}>
            <TextLink to="/admin/policy" search={{ model: modelId, region: calls }}>
              {t("residency.awsAsk")}
            </TextLink>
          </Detail>
        )}
      </Details>
    </div>
  );
}

/** Every place where it may be, one by one. */
function Where({ place }: { place: Place }) {
  const { t, i18n } = useTranslation("admin");
  const regionName = useRegionName();
  switch (place.kind) {
    case "server":
      return t("residency.server");
    case "host":
      return place.country ? t("residency.regionLong", { name: place.name, id: nameOfCountry(place.country, i18n.language) }) : t("residency.undeclared", { name: place.name });
    case "anywhere":
      return t("residency.anywhere");
    case "unknown":
      return t("residency.unknown");
    case "regions":
      return (
        <ul>
          {place.regions?.map((id) => (
            <li key={id}>{t("residency.regionLong", { name: regionName(id), id })}</li>
          ))}
        </ul>
      );
  }
}

/** From where a place is known. */
function Known({ place, version }: { place: Place; version: string }) {
  const { t } = useTranslation("admin");
  const format = useFormats();
  switch (place.kind) {
    case "server":
      return t("residency.knownServer");
    case "host":
      return place.country ? t("residency.knownDeclared") : t("residency.knownHost");
    case "unknown":
      return t("residency.knownNothing", { version });
  }
  const sources = [
    ...(place.basis ? [<Fragment key="data">{t("residency.knownData", { version })}<span lang="en" className="block text-muted">{place.basis}</span></Fragment>] : []),
    ...(place.listed ? [<Fragment key="list">{t("residency.knownListed", { date: format.date(place.listed) })}</Fragment>] : []),
  ];
  if (sources.length === 0) return t(place.kind === "anywhere" ? "residency.knownData" : "residency.knownId", { version });
  return (
    <ul>
      {sources.map((source) => (
        <li key={source.key}>{source}</li>
      ))}
    </ul>
  );
}
