import { useQuery } from "@tanstack/react-query";
import { Pencil, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { ResidencyRule } from "@/lib/api/types";
import { useFormats } from "@/lib/format";
import { nameOfCountry, useRegionName, useRuleName } from "@/lib/place";
import { IconButton } from "@/ui/button";
import { Detail, Details } from "@/ui/details";
import { groupsQuery } from "../groups/api";

/** What a rule permits, in words. */
export function RuleCard({ rule, onEdit, onRemove }: { rule: ResidencyRule; onEdit: () => void; onRemove: () => void }) {
  const { t, i18n } = useTranslation("admin");
  const format = useFormats();
  const regionName = useRegionName();
  const ruleName = useRuleName();
  const groups = useQuery(groupsQuery);
  const name = ruleName(rule.name);
  const groupNames = rule.groupIds.map((id) => groups.data?.items.find((g) => g.id === id)?.name ?? (groups.data ? t("residency.goneGroup") : ""));
  const countries = rule.countries.map((code) => nameOfCountry(code, i18n.language));
  const places = [...rule.regions.map(regionName), ...(countries.length > 0 ? [t("residency.serversIn", { countries: format.list(countries) })] : [])];
  return (
    <li className="rounded-8 border border-rule px-4 py-3">
      <div className="mb-2 flex items-start justify-between gap-2">
        <h3 className="min-w-0 pt-1 text-16 break-words">{name}</h3>
        <span className="flex flex-none">
          <IconButton icon={Pencil} label={t("residency.editRule", { name })} size="dense" iconSize={16} onPress={onEdit} />
          <IconButton icon={X} label={t("residency.removeRule", { name })} size="dense" iconSize={16} onPress={onRemove} />
        </span>
      </div>
      <Details className="text-14">
        <Detail name={t("residency.who")}>{rule.groupIds.length === 0 ? t("models.everyone") : format.list(groupNames)}</Detail>
        <Detail name={t("residency.places")}>{places.length === 0 ? t("residency.onlyHere") : format.list(places)}</Detail>
        <Detail name={t("residency.models")}>
          {rule.models.length === 0 ? (
            t("residency.everyModel")
          ) : (
            <ul>
              {rule.models.map((pattern) => (
                <li key={pattern} className="font-mono break-all">
                  {pattern}
                </li>
              ))}
            </ul>
          )}
        </Detail>
        {rule.classes && rule.classes.length > 0 && (
          <Detail name={t("chat.class")}>{format.list(rule.classes.map((one) => t(`chat.class${one as 1 | 2 | 3}`)))}</Detail>
        )}
      </Details>
    </li>
  );
}
