import { Check, ChevronDown } from "lucide-react";
import { Button as AriaButton, ComboBox as AriaComboBox, Input, ListBox, ListBoxItem, Popover, Select as AriaSelect, SelectValue, Text } from "react-aria-components";
import { cx } from "@/lib/cx";
import { useTranslation } from "react-i18next";
import { boxClass, boxSizes, FieldLabel, FieldNotes, type FieldProps } from "./field";
import { Icon } from "./icon";

export interface Option<V extends string = string> {
  value: V;
  label: string;
  hint?: string;
}

/** The surface of every list that opens at a control. */
export const popoverClass = "max-h-80 min-w-(--trigger-width) overflow-auto rounded-8 border border-rule bg-surface-overlay shadow-overlay entering:animate-appear";

const itemClass =
  "group flex min-h-9 cursor-default items-start gap-2 rounded-4 px-2 py-1.5 text-14 outline-none data-[focused]:bg-surface-hover data-[selected]:font-bold pointer-coarse:min-h-11 pointer-coarse:items-center";

function Options<V extends string>({ options }: { options: Option<V>[] }) {
  const { t } = useTranslation("ui");
  return (
    <ListBox items={options} className="p-1 outline-none" renderEmptyState={() => <p className="px-2 py-1.5 text-14 text-muted">{t("noMatch")}</p>}>
      {(o) => (
        <ListBoxItem id={o.value} textValue={o.label} className={itemClass}>
          <Icon of={Check} size={16} className="mt-0.5 invisible group-data-[selected]:visible" />
          <span className="min-w-0">
            <Text slot="label">{o.label}</Text>
            {o.hint && (
              <Text slot="description" className="block font-normal text-muted">
                {o.hint}
              </Text>
            )}
          </span>
        </ListBoxItem>
      )}
    </ListBox>
  );
}

interface SelectProps<V extends string> extends FieldProps {
  value: V;
  onChange: (value: V) => void;
  options: Option<V>[];
  placeholder?: string;
  isDisabled?: boolean;
  name?: string;
}

/** One of several, opened on demand. */
export function Select<V extends string>({ value, onChange, options, placeholder, isDisabled, name, size = "normal", ...field }: SelectProps<V>) {
  return (
    <AriaSelect
      name={name}
      value={value === "" && !options.some((o) => o.value === "") ? null : value}
      onChange={(key) => onChange(String(key ?? "") as V)}
      isDisabled={isDisabled}
      placeholder={placeholder}
      isInvalid={Boolean(field.error)}
      validationBehavior="aria"
      className="group grid grid-cols-1 content-start gap-1.5" // a column that a long choice does not widen
    >
      <FieldLabel {...field} size={size} />
      <AriaButton className={cx(boxClass, boxSizes[size], "group-data-[invalid]:border-danger flex items-center justify-between gap-2 text-left hover:bg-surface-hover")}>
        <SelectValue className="min-w-0 truncate data-[placeholder]:text-muted">{({ defaultChildren, selectedText }) => selectedText || defaultChildren}</SelectValue>
        <Icon of={ChevronDown} size={16} />
      </AriaButton>
      <FieldNotes {...field} />
      <Popover offset={4} className={popoverClass}>
        <Options options={options} />
      </Popover>
    </AriaSelect>
  );
}

interface ComboboxProps extends FieldProps {
  /** What stands in the field; need not be one of the options. */
  value: string;
  onChange: (value: string) => void;
  options: Option[];
  placeholder?: string;
  name?: string;
}

/** A text with suggestions. */
export function Combobox({ value, onChange, options, placeholder, name, size = "normal", ...field }: ComboboxProps) {
  const { t } = useTranslation("ui");
  return (
    <AriaComboBox name={name} allowsCustomValue inputValue={value} onInputChange={onChange} defaultItems={options} menuTrigger="focus" isInvalid={Boolean(field.error)} validationBehavior="aria" className="grid content-start gap-1.5">
      <FieldLabel {...field} size={size} />
      <div className="relative">
        <Input placeholder={placeholder} className={cx(boxClass, boxSizes[size], "pr-11")} />
        <AriaButton aria-label={t("openList")} className="absolute inset-y-1 right-1 grid w-9 place-items-center rounded-6 hover:bg-surface-hover">
          <Icon of={ChevronDown} size={16} />
        </AriaButton>
      </div>
      <FieldNotes {...field} />
      <Popover offset={4} className={popoverClass}>
        <ListBox className="p-1 outline-none">
          {(o: Option) => (
            <ListBoxItem id={o.value} textValue={o.value} className={itemClass}>
              <Text slot="label">{o.label}</Text>
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaComboBox>
  );
}
