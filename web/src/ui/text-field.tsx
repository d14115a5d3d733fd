import { Eye, EyeOff, Search, X } from "lucide-react";
import { useState, type Ref } from "react";
import { Button as AriaButton, Group, Input, NumberField as AriaNumberField, SearchField as AriaSearchField, TextArea as AriaTextArea, TextField as AriaTextField, type TextFieldProps as AriaTextFieldProps } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { isComposing } from "@/lib/composing";
import { cx } from "@/lib/cx";
import { boxClass, boxSizes, FieldLabel, FieldNotes, type FieldProps } from "./field";
import { Icon } from "./icon";

type Base = Omit<AriaTextFieldProps, "className" | "children" | "style" | "isInvalid" | "validationBehavior">;

export interface TextFieldProps extends Base, FieldProps {
  placeholder?: string;
  inputRef?: Ref<HTMLInputElement>;
  mono?: boolean;
}

/** One line of text. */
export function TextField({ label, hideLabel, hint, error, optional, size = "normal", placeholder, inputRef, mono, ...props }: TextFieldProps) {
  const notes = { label, hint, error };
  return (
    <AriaTextField {...props} isInvalid={Boolean(error)} validationBehavior="aria" className="grid content-start gap-1.5">
      <FieldLabel label={label} hideLabel={hideLabel} optional={optional} size={size} />
      <Input ref={inputRef} placeholder={placeholder} className={cx(boxClass, boxSizes[size], mono && "font-mono")} />
      <FieldNotes {...notes} />
    </AriaTextField>
  );
}

/** A password or a key. It can be shown, because a hidden typing error locks people out. */
export function PasswordField({ label, hideLabel, hint, error, optional, size = "normal", placeholder, inputRef, mono, ...props }: TextFieldProps) {
  const { t } = useTranslation("ui");
  const [shown, setShown] = useState(false);
  return (
    <AriaTextField {...props} type={shown ? "text" : "password"} isInvalid={Boolean(error)} validationBehavior="aria" className="grid content-start gap-1.5">
      <FieldLabel label={label} hideLabel={hideLabel} optional={optional} size={size} />
      <div className="relative">
        <Input ref={inputRef} placeholder={placeholder} spellCheck="false" autoCapitalize="none" className={cx(boxClass, boxSizes[size], "pr-24", mono && "font-mono")} />
        <AriaButton
          onPress={() => setShown(!shown)}
          aria-label={shown ? t("hideNamed", { name: label }) : t("showNamed", { name: label })}
          className="absolute inset-y-1 right-1 inline-flex items-center gap-1.5 rounded-6 px-3 text-14 hover:bg-surface-hover"
        >
          <Icon of={shown ? EyeOff : Eye} size={16} />
          {shown ? t("hide") : t("show")}
        </AriaButton>
      </div>
      <FieldNotes label={label} hint={hint} error={error} />
    </AriaTextField>
  );
}

export interface TextAreaProps extends Base, FieldProps {
  placeholder?: string;
  rows?: number;
  mono?: boolean;
}

/** Several lines of text; grows with them. A field as high as its text forgets its rows, so they are said again. */
export function TextArea({ label, hideLabel, hint, error, optional, size = "normal", placeholder, rows = 3, mono, ...props }: TextAreaProps) {
  return (
    <AriaTextField {...props} isInvalid={Boolean(error)} validationBehavior="aria" className="grid content-start gap-1.5">
      <FieldLabel label={label} hideLabel={hideLabel} optional={optional} size={size} />
      <AriaTextArea rows={rows} placeholder={placeholder} style={{ minHeight: `calc(${rows}lh + 1.125rem)` }} className={cx(boxClass, "field-sizing-content max-h-60 rounded-8 px-3 py-2 text-16 leading-prose", mono && "font-mono text-14")} />
      <FieldNotes label={label} hint={hint} error={error} />
    </AriaTextField>
  );
}

export interface SearchFieldProps {
  label: string;
  placeholder?: string;
  value: string;
  onChange: (value: string) => void;
  className?: string;
  autoFocus?: boolean;
}

/** Narrows a list while typing. Escape empties it. Half a conversion of kana is not what anyone looks for: it stays in the field. */
export function SearchField({ label, placeholder, value, onChange, className, autoFocus }: SearchFieldProps) {
  const { t } = useTranslation("ui");
  const [half, setHalf] = useState<string>();
  return (
    <AriaSearchField aria-label={label} value={half ?? value} onChange={half === undefined ? onChange : setHalf} autoFocus={autoFocus} className={cx("group relative h-fit", className)}>
      <Icon of={Search} className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-muted" />
      <Input
        placeholder={placeholder ?? label}
        onCompositionStart={(event) => setHalf(event.currentTarget.value)}
        onCompositionEnd={(event) => {
          setHalf(undefined);
          onChange(event.currentTarget.value);
        }}
        onKeyDownCapture={(event) => isComposing(event) && event.stopPropagation()} // Escape is the input method's
        className={cx(boxClass, boxSizes.dense, "pr-9 pl-10 [&::-webkit-search-cancel-button]:hidden")}
      />
      <AriaButton aria-label={t("clearSearch")} className="absolute inset-y-1 right-1 grid w-7 place-items-center rounded-4 hover:bg-surface-hover group-data-[empty]:hidden">
        <Icon of={X} size={16} />
      </AriaButton>
    </AriaSearchField>
  );
}

export interface NumberFieldProps extends FieldProps {
  name?: string;
  /** NaN is "not given". */
  value: number;
  onChange: (value: number) => void;
  min?: number;
  max?: number;
  step?: number;
  fractionDigits?: number;
  unit?: string;
  placeholder?: string;
}

/** A number, grouped as the language does, with its unit behind it. */
export function NumberField({ label, hideLabel, hint, error, optional, size = "normal", value, onChange, min, max, step, fractionDigits = 0, unit, placeholder, name }: NumberFieldProps) {
  return (
    <AriaNumberField name={name} value={value} onChange={onChange} minValue={min} maxValue={max} step={step} formatOptions={{ maximumFractionDigits: fractionDigits }} isInvalid={Boolean(error)} validationBehavior="aria" className="grid content-start gap-1.5">
      <FieldLabel label={label} hideLabel={hideLabel} optional={optional} size={size} />
      <Group className="flex items-center gap-2">
        <Input placeholder={placeholder} className={cx(boxClass, boxSizes[size], "tabular-nums")} />
        {unit && <span className="text-14 whitespace-nowrap text-muted">{unit}</span>}
      </Group>
      <FieldNotes label={label} hint={hint} error={error} />
    </AriaNumberField>
  );
}
