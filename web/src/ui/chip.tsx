import { Plus, X } from "lucide-react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { Icon } from "./icon";
import { Menu, MenuItem, MenuSection } from "./menu";

interface Props<V extends string> {
  /** What is filtered: 状態, 役割. */
  label: string;
  value: V | "";
  options: { value: V; label: string }[];
  onChange: (value: V | "") => void;
}

/** A filter of a list: closed it says what holds, open it offers the choices. */
export function FilterChip<V extends string>({ label, value, options, onChange }: Props<V>) {
  const { t } = useTranslation("ui");
  const chosen = options.find((o) => o.value === value);
  return (
    <span className={cx("inline-flex items-center rounded-full border", chosen ? "border-[var(--surface-selected)] bg-surface-selected" : "border-strong bg-surface")}>
      <Menu
        label={label}
        trigger={
          <AriaButton className={cx("inline-flex min-h-8 items-center gap-1 rounded-full text-14 whitespace-nowrap hover:bg-surface-hover pointer-coarse:min-h-11", chosen ? "pr-1 pl-3" : "px-3")}>
            {!chosen && <Icon of={Plus} size={16} />}
            {label}
            {chosen && <span className="font-bold">{chosen.label}</span>}
          </AriaButton>
        }
      >
        <MenuSection value={value} onChange={onChange}>
          {options.map((o) => (
            <MenuItem key={o.value} id={o.value}>
              {o.label}
            </MenuItem>
          ))}
        </MenuSection>
      </Menu>
      {chosen && (
        <AriaButton aria-label={t("removeFilter", { name: label })} onPress={() => onChange("")} className="mr-1 grid size-6 place-items-center rounded-full hover:bg-surface-hover pointer-coarse:size-9">
          <Icon of={X} size={16} />
        </AriaButton>
      )}
    </span>
  );
}
