import { Check, Minus } from "lucide-react";
import type { ReactNode } from "react";
import { Checkbox as AriaCheckbox, CheckboxGroup as AriaCheckboxGroup, Radio, RadioGroup as AriaRadioGroup, Switch as AriaSwitch, type CheckboxProps as AriaCheckboxProps } from "react-aria-components";
import { cx } from "@/lib/cx";
import { FieldLabel, FieldNotes, type FieldProps } from "./field";

const label = "group flex gap-3 text-left data-[disabled]:text-disabled";

interface CheckboxProps extends Omit<AriaCheckboxProps, "className" | "children" | "style"> {
  children?: ReactNode;
  hint?: ReactNode;
  className?: string;
}

/** The square itself, in the state of the control around it (class "group"). */
function Box() {
  return (
    <span
      aria-hidden="true"
      className="grid size-5 flex-none place-items-center rounded-4 border border-control bg-surface text-on-accent group-data-[disabled]:border-rule group-data-[disabled]:bg-surface-raised group-data-[focus-visible]:focus-ring group-data-[indeterminate]:border-accent group-data-[indeterminate]:bg-accent group-data-[selected]:border-accent group-data-[selected]:bg-accent"
    >
      <Check size={16} strokeWidth={3} className="hidden group-data-[selected]:group-not-data-[indeterminate]:block" />
      <Minus size={16} strokeWidth={3} className="hidden group-data-[indeterminate]:block" />
    </span>
  );
}

/** One thing that is so or not so. */
export function Checkbox({ children, hint, className, ...props }: CheckboxProps) {
  return (
    <AriaCheckbox {...props} className={cx(label, children ? "min-h-9 items-start py-1.5 pointer-coarse:min-h-11 pointer-coarse:py-2.5" : "size-9 items-center justify-center pointer-coarse:size-11", className)}>
      <Box />
      {children && (
        <span className="leading-[1.25]">
          {children}
          {hint && <span className="mt-1 block text-14 leading-150 text-muted">{hint}</span>}
        </span>
      )}
    </AriaCheckbox>
  );
}

interface CheckboxGroupProps extends FieldProps {
  value: string[];
  onChange: (value: string[]) => void;
  options: { value: string; label: string; hint?: string }[];
}

/** Any of several. */
export function CheckboxGroup({ value, onChange, options, ...field }: CheckboxGroupProps) {
  return (
    <AriaCheckboxGroup value={value} onChange={onChange} isInvalid={Boolean(field.error)} className="grid content-start gap-1">
      <FieldLabel {...field} />
      {options.map((o) => (
        <Checkbox key={o.value} value={o.value} hint={o.hint}>
          {o.label}
        </Checkbox>
      ))}
      <FieldNotes {...field} />
    </AriaCheckboxGroup>
  );
}

interface SwitchProps {
  children: ReactNode;
  hint?: ReactNode;
  isSelected: boolean;
  onChange: (on: boolean) => void;
  isDisabled?: boolean;
  /** The words stand before the switch, which is at the far edge. */
  atEnd?: boolean;
}

/** Something that takes effect at once. In forms that are saved, use a Checkbox. */
export function Switch({ children, hint, atEnd, ...props }: SwitchProps) {
  return (
    <AriaSwitch {...props} className={cx(label, "min-h-9 items-start py-1.5 pointer-coarse:min-h-11", atEnd && "flex-row-reverse justify-between")}>
      <span
        aria-hidden="true"
        className="relative h-6 w-11 flex-none rounded-full border border-control bg-surface-selected transition-colors group-data-[disabled]:opacity-60 group-data-[focus-visible]:focus-ring group-data-[selected]:border-accent group-data-[selected]:bg-accent"
      >
        <span className="absolute top-[3px] left-[3px] size-4 rounded-full bg-[var(--border-control)] transition-transform group-data-[selected]:translate-x-5 group-data-[selected]:bg-on-accent" />
      </span>
      <span>
        {children}
        {hint && <span className="block text-14 text-muted">{hint}</span>}
      </span>
    </AriaSwitch>
  );
}

interface RadioGroupProps<V extends string> extends FieldProps {
  value: V;
  onChange: (value: V) => void;
  options: { value: V; label: string; hint?: ReactNode }[];
  /** row: short words side by side; list: one under the other; card: with a sentence each, framed. */
  layout?: "row" | "list" | "card";
  name?: string;
}

/** One of a few, all of them seen. */
export function RadioGroup<V extends string>({ value, onChange, options, layout = "list", name, ...field }: RadioGroupProps<V>) {
  return (
    <AriaRadioGroup name={name} value={value} onChange={(v) => onChange(v as V)} isInvalid={Boolean(field.error)} validationBehavior="aria" className="grid content-start gap-1.5">
      <FieldLabel {...field} />
      <div className={cx(layout === "row" && "flex flex-wrap gap-x-6", layout === "list" && "grid", layout === "card" && "grid gap-2")}>
        {options.map((o) => (
          <Radio
            key={o.value}
            value={o.value}
            className={cx(
              label,
              "items-start",
              layout === "card"
                ? "rounded-8 border border-strong p-3 hover:bg-surface-hover data-[selected]:border-accent data-[selected]:bg-accent-soft"
                : "min-h-9 py-1.5 pointer-coarse:min-h-11 pointer-coarse:py-2.5",
            )}
          >
            <span
              aria-hidden="true"
              className="grid size-5 flex-none place-items-center rounded-full border border-control bg-surface group-data-[focus-visible]:focus-ring group-data-[selected]:border-accent"
            >
              <span className="hidden size-2.5 rounded-full bg-accent group-data-[selected]:block" />
            </span>
            <span className="leading-[1.25]">
              {o.label}
              {o.hint && <span className="mt-1 block text-14 leading-150 text-muted">{o.hint}</span>}
            </span>
          </Radio>
        ))}
      </div>
      <FieldNotes {...field} />
    </AriaRadioGroup>
  );
}
