import { useTranslation } from "react-i18next";
import { useRegionName } from "@/lib/place";

/** A Region in a table: its name, and its code where there is room. */
export function Region({ code }: { code: string }) {
  const { t } = useTranslation("policy");
  const name = useRegionName()(code);
  if (code === "unspecified") return <span className="whitespace-normal">{t("anywhere")}</span>;
  return (
    <span className="flex flex-wrap gap-x-2 whitespace-normal">
      {name !== code && <span>{name}</span>}
      <span className="whitespace-nowrap text-muted">{code}</span>
    </span>
  );
}
