import { createLink } from "@tanstack/react-router";
import type { LucideIcon } from "lucide-react";
import type { ComponentPropsWithRef, ReactNode, Ref } from "react";
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from "react-aria-components";
import { cx } from "@/lib/cx";
import { Icon } from "./icon";
import { Tip } from "./tooltip";

export type ButtonTone = "primary" | "secondary" | "quiet" | "danger" | "danger-quiet";
export type ButtonSize = "normal" | "dense";

const tones: Record<ButtonTone, string> = {
  primary: "border-accent bg-accent font-bold text-on-accent hover:border-accent-hover hover:bg-accent-hover",
  secondary: "border-control bg-surface text-default hover:bg-surface-hover",
  quiet: "border-transparent text-default hover:bg-surface-hover",
  danger: "border-danger bg-surface text-danger hover:bg-danger-soft",
  "danger-quiet": "border-transparent text-danger hover:bg-danger-soft",
};

const sizes: Record<ButtonSize, string> = {
  normal: "min-h-11 gap-2 rounded-8 px-4 text-16",
  dense: "min-h-9 gap-1.5 rounded-6 px-3 text-14 pointer-coarse:min-h-11",
};

const off = "border-rule bg-surface text-disabled hover:border-rule hover:bg-surface";

/** The classes of a button, for the links that look like one. */
export function buttonClass(tone: ButtonTone = "secondary", size: ButtonSize = "normal", disabled = false): string {
  return cx(
    "inline-flex items-center justify-center border leading-120 whitespace-nowrap no-underline transition-colors select-none",
    sizes[size],
    disabled ? (tone === "quiet" || tone === "danger-quiet" ? "border-transparent font-normal text-disabled" : `${off} font-normal`) : tones[tone],
  );
}

/** What takes the act away from a button but leaves it in the tab order. */
const inert = { onPress: undefined, type: "button", "aria-disabled": "true" } as const;
/** The same while the act runs. React Aria's own pending state announces a progress bar that is not there. */
const busy = { onPress: undefined, "aria-disabled": "true" } as const;

export interface ButtonProps extends Omit<AriaButtonProps, "className" | "children" | "isDisabled" | "isPending" | "style"> {
  tone?: ButtonTone;
  size?: ButtonSize;
  icon?: LucideIcon;
  /** The label while the act runs; the button then does nothing and keeps the focus. */
  pendingLabel?: string;
  isPending?: boolean;
  isDisabled?: boolean;
  /** Why the act is not possible now. The button stays in the tab order and says so. */
  disabledReason?: string | false | undefined;
  children: ReactNode;
  className?: string;
  ref?: Ref<HTMLButtonElement>;
}

/** An act. The label is a verb. */
export function Button({ tone = "secondary", size = "normal", icon, pendingLabel, isPending = false, isDisabled = false, disabledReason, children, className, ...props }: ButtonProps) {
  const dead = isDisabled || Boolean(disabledReason);
  const button = (
    <AriaButton
      {...props}
      {...(disabledReason ? inert : isPending ? busy : {})}
      isDisabled={isDisabled}
      className={cx(buttonClass(tone, size, dead), isPending && "opacity-80", className)}
    >
      {icon && <Icon of={icon} size={size === "dense" ? 16 : 20} />}
      {isPending && pendingLabel ? pendingLabel : children}
    </AriaButton>
  );
  return disabledReason ? <Tip text={disabledReason}>{button}</Tip> : button;
}

export interface IconButtonProps extends Omit<ButtonProps, "children" | "icon" | "pendingLabel"> {
  icon: LucideIcon;
  /** The act, for the tooltip and for those who do not see the drawing. */
  label: string;
  iconSize?: 16 | 20;
}

/** An act by a drawing alone; never one that cannot be undone. */
export function IconButton({ icon, label, tone = "quiet", size = "normal", iconSize = 20, isPending = false, isDisabled = false, disabledReason, className, ...props }: IconButtonProps) {
  const dead = isDisabled || Boolean(disabledReason);
  return (
    <Tip text={disabledReason ? `${label}: ${disabledReason}` : label}>
      <AriaButton
        {...props}
        {...(disabledReason ? inert : isPending ? busy : {})}
        isDisabled={isDisabled}
        aria-label={label}
        className={cx(buttonClass(tone, size, dead), size === "dense" ? "w-9 pointer-coarse:w-11" : "w-11", "flex-none !px-0", className)}
      >
        <Icon of={icon} size={iconSize} />
      </AriaButton>
    </Tip>
  );
}

interface AnchorProps extends ComponentPropsWithRef<"a"> {
  tone?: ButtonTone;
  size?: ButtonSize;
  icon?: LucideIcon;
}

function Anchor({ tone, size = "normal", icon, className, children, ...props }: AnchorProps) {
  return (
    <a {...props} className={cx(buttonClass(tone, size), className)}>
      {icon && <Icon of={icon} size={size === "dense" ? 16 : 20} />}
      {children}
    </a>
  );
}

/** A place to go that looks like an act. */
export const ButtonLink = createLink(Anchor);

function TextAnchor({ className, children, ...props }: ComponentPropsWithRef<"a">) {
  return (
    <a {...props} className={cx("rounded-4 text-accent underline decoration-1 underline-offset-[0.2em] hover:text-accent-hover hover:decoration-2", className)}>
      {children}
    </a>
  );
}

/** A place to go, in running text. */
export const TextLink = createLink(TextAnchor);

/** An act in running text, such as "show the reason". */
export function TextButton({ className, ...props }: Omit<AriaButtonProps, "className" | "style"> & { className?: string }) {
  return <AriaButton {...props} className={cx("rounded-4 text-accent underline decoration-1 underline-offset-[0.2em] hover:text-accent-hover hover:decoration-2", className)} />;
}
