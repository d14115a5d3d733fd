import { ChevronDown, Columns2 } from "lucide-react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { useModelHint } from "@/features/account/model-text";
import type { Model } from "@/lib/api/types";
import { cx } from "@/lib/cx";
import { buttonClass } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { Menu, MenuItem, MenuRule, MenuSection } from "@/ui/menu";

interface Props {
  models: readonly Model[];
  value: string;
  onChange: (modelId: string) => void;
  /** Asks which models are to answer side by side. */
  onCompare?: (() => void) | undefined;
  className?: string;
}

/** Which model answers: its name opens the others, each with what it is for and where it is processed. */
export function ModelPicker({ models, value, onChange, onCompare, className }: Props) {
  const { t } = useTranslation("chat");
  const hint = useModelHint();
  const current = models.find((model) => model.id === value);
  const name = current?.displayName ?? t("modelGone");
  return (
    <Menu
      label={t("model")}
      placement="bottom end"
      trigger={
        <AriaButton aria-label={t("modelNamed", { name })} className={cx(buttonClass("quiet", "dense"), "max-w-2/5 flex-none", className)}>
          <span className={cx("truncate", !current && "text-danger")}>{name}</span>
          <Icon of={ChevronDown} size={16} />
        </AriaButton>
      }
    >
      <MenuSection value={value} onChange={onChange}>
        {models.map((model) => (
          <MenuItem key={model.id} id={model.id} hint={hint(model)}>
            {model.displayName}
          </MenuItem>
        ))}
      </MenuSection>
      {onCompare && models.length > 1 && <MenuRule />}
      {onCompare && models.length > 1 && (
        <MenuItem icon={Columns2} onAction={onCompare}>
          {t("compare")}
        </MenuItem>
      )}
    </Menu>
  );
}
