import type { ReactNode } from "react";
import { FieldError, Label, Text } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";

export interface FieldProps {
  label: string;
  /** Shown only to those who do not see: the place already says what it is. */
  hideLabel?: boolean;
  hint?: ReactNode;
  error?: string | undefined;
  isRequired?: boolean;
  /** Says that the field may stay empty. Most fields of a form are required; the others say so. */
  optional?: boolean;
  size?: "normal" | "dense";
}

/** The box that fields share. */
export const boxClass =
  "w-full border border-control bg-surface text-default data-[invalid]:border-danger aria-invalid:border-danger disabled:border-rule disabled:bg-surface-raised disabled:text-disabled";

/** The measures of the box. */
export const boxSizes = {
  normal: "min-h-11 rounded-8 px-3 text-16",
  dense: "min-h-9 rounded-6 px-2.5 text-14 pointer-coarse:min-h-11",
};

/** The name of a field, before it. */
export function FieldLabel({ label, hideLabel, optional, size = "normal" }: FieldProps) {
  const { t } = useTranslation("ui");
  return (
    <Label className={cx("block font-bold", size === "dense" ? "text-14" : "text-16", hideLabel && "sr-only")}>
      {label}
      {optional && <span className="ml-2 text-14 font-normal text-muted">{t("optional")}</span>}
    </Label>
  );
}

/** What to enter, and what is wrong with it, after the field. */
export function FieldNotes({ hint, error }: FieldProps) {
  return (
    <>
      {hint && (
        <Text slot="description" className="text-14 text-muted">
          {hint}
        </Text>
      )}
      {error && <FieldError className="text-14 text-danger">{error}</FieldError>}
    </>
  );
}
