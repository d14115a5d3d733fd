import { Check, type LucideIcon } from "lucide-react";
import type { ReactElement, ReactNode } from "react";
import { Header, Menu as AriaMenu, MenuItem as AriaMenuItem, MenuSection as AriaMenuSection, MenuTrigger, Popover, Separator, type MenuItemProps as AriaMenuItemProps, type Placement } from "react-aria-components";
import { cx } from "@/lib/cx";
import { Icon } from "./icon";

interface MenuProps {
  /** The button that opens it. */
  trigger: ReactElement;
  label: string;
  placement?: Placement;
  children: ReactNode;
}

/** Acts that do not need to be seen all the time. */
export function Menu({ trigger, label, placement = "bottom start", children }: MenuProps) {
  return (
    <MenuTrigger>
      {trigger}
      <Popover placement={placement} offset={4} className="max-h-[70vh] min-w-48 overflow-auto rounded-8 border border-rule bg-surface-overlay shadow-overlay entering:animate-appear">
        <AriaMenu aria-label={label} className="p-1 outline-none">
          {children}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

interface ItemProps extends Omit<AriaMenuItemProps, "className" | "children" | "style"> {
  icon?: LucideIcon;
  tone?: "danger";
  hint?: string;
  children: string;
}

/** One act of a menu, or one choice of a section that has a selection. */
export function MenuItem({ icon, tone, hint, children, ...props }: ItemProps) {
  return (
    <AriaMenuItem
      {...props}
      textValue={children}
      className={cx(
        "flex min-h-9 cursor-pointer items-center gap-2.5 rounded-4 px-2.5 text-14 no-underline outline-none data-[disabled]:text-disabled data-[focused]:bg-surface-hover data-[selected]:font-bold pointer-coarse:min-h-11",
        tone === "danger" ? "text-danger" : "text-default",
      )}
    >
      {({ selectionMode, isSelected }) => (
        <>
          {selectionMode !== "none" && <Icon of={Check} size={16} className={cx(!isSelected && "invisible")} />}
          {icon && <Icon of={icon} className={tone ? undefined : "text-muted"} />}
          <span className="min-w-0 py-1.5">
            {children}
            {hint && <span className="block font-normal text-muted">{hint}</span>}
          </span>
        </>
      )}
    </AriaMenuItem>
  );
}

interface SectionProps<V extends string> {
  title?: string;
  /** With these the items are choices, one of which holds. */
  value?: V;
  onChange?: (value: V) => void;
  children: ReactNode;
}

/** Items that belong together. */
export function MenuSection<V extends string>({ title, value, onChange, children }: SectionProps<V>) {
  const choice =
    value === undefined
      ? {}
      : {
          selectionMode: "single" as const,
          disallowEmptySelection: true,
          selectedKeys: [value],
          onSelectionChange: (keys: "all" | Set<unknown>) => keys !== "all" && onChange?.([...keys][0] as V),
        };
  return (
    <AriaMenuSection {...choice} aria-label={title}>
      {title && <Header className="px-2.5 pt-2 pb-1 text-14 text-muted">{title}</Header>}
      {children}
    </AriaMenuSection>
  );
}

/** Choices of which any number may hold; the menu stays open. */
export function MenuChoices({ values, onChange, children }: { values: readonly string[]; onChange: (values: string[]) => void; children: ReactNode }) {
  return (
    <AriaMenuSection selectionMode="multiple" selectedKeys={values} onSelectionChange={(keys) => keys !== "all" && onChange([...keys].map(String))}>
      {children}
    </AriaMenuSection>
  );
}

/** A rule between two groups of acts. */
export function MenuRule() {
  return <Separator className="my-1 border-t border-rule" />;
}
