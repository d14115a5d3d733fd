import { ChevronDown } from "lucide-react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { type Confidentiality, confidentialities, takesClass } from "@/lib/confidentiality";
import type { Model } from "@/lib/api/types";
import { buttonClass } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { Menu, MenuItem, MenuSection } from "@/ui/menu";

interface Props {
  value: Confidentiality;
  models: readonly Model[];
  onChange: (value: Exclude<Confidentiality, 0>) => void;
}

/** How confidential the conversation is. It is not there where the organisation does not classify. */
export function ClassPicker({ value, models, onChange }: Props) {
  const { t } = useTranslation("chat");
  if (value === 0) return null;
  return (
    <Menu
      label={t("class.label")}
      placement="top end"
      trigger={
        <AriaButton aria-label={t("class.named", { name: t(`class.${value}`) })} className={buttonClass("quiet", "dense")}>
          <span className="truncate">{t(`class.${value}`)}</span>
          <Icon of={ChevronDown} size={16} />
        </AriaButton>
      }
    >
      <MenuSection title={t("class.label")} value={String(value)} onChange={(chosen) => onChange(Number(chosen) as Exclude<Confidentiality, 0>)}>
        {confidentialities.map((one) => (
          <MenuItem key={one} id={String(one)} hint={models.some((model) => takesClass(model, one)) ? t(`class.${one}Hint`) : t("class.noModel")}>
            {t(`class.${one}`)}
          </MenuItem>
        ))}
      </MenuSection>
    </Menu>
  );
}
