import { ChevronDown, Plus, Search, X } from "lucide-react";
import { useId, useState, type ReactNode } from "react";
import { Autocomplete, Button as AriaButton, Dialog, DialogTrigger, Input, ListBox, ListBoxItem, Popover, SearchField, Text } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { isComposing } from "@/lib/composing";
import { cx } from "@/lib/cx";
import { matches } from "@/lib/match";
import { boxClass, boxSizes } from "@/ui/field";
import { Icon } from "@/ui/icon";
import type { Unit } from "./api";
import type { UnitTree } from "./unit-tree";

/** How many are shown at once; whoever looks for one of thousands types. */
const shownAtOnce = 400;

interface ListProps {
  tree: UnitTree;
  /** Which can be chosen; the others are left out. */
  only?: (unit: Unit) => boolean;
  /** Chosen without a unit: 「すべての部署」. */
  none?: string;
  onPick: (id: string) => void;
}

/** The tree with a search above it, chosen from by the arrows. */
function UnitList({ tree, only = () => true, none, onPick }: ListProps) {
  const { t } = useTranslation("people");
  const [typed, setTyped] = useState("");
  const rows = tree.flat().filter(({ unit }) => only(unit));
  const wanted = typed.trim();
  const found = wanted === "" ? rows : rows.filter(({ unit }) => matches(`${unit.name} ${unit.code}`, wanted));
  return (
    <Autocomplete inputValue={typed} onInputChange={setTyped}>
      <SearchField aria-label={t("units.search")} autoFocus className="relative border-b border-rule">
        <Icon of={Search} className="absolute top-1/2 left-2.5 -translate-y-1/2 text-muted" />
        <Input
          placeholder={t("units.searchHint")}
          onKeyDownCapture={(event) => isComposing(event) && event.stopPropagation()} // Enter and Escape are the input method's
          className="min-h-11 w-full bg-transparent pr-3 pl-10 text-14 shadow-none! outline-none! [&::-webkit-search-cancel-button]:hidden"
        />
      </SearchField>
      <ListBox aria-label={t("units.tree")} selectionMode="none" onAction={(id) => onPick(id === "-" ? "" : String(id))} className="max-h-72 overflow-y-auto p-1 outline-none" renderEmptyState={() => <p className="px-2 py-1.5 text-14 text-muted">{t("units.noMatch")}</p>}>
        {none && wanted === "" && (
          <ListBoxItem id="-" textValue={none} className={itemClass}>
            {none}
          </ListBoxItem>
        )}
        {found.slice(0, shownAtOnce).map(({ unit, depth }) => (
          <ListBoxItem key={unit.id} id={unit.id} textValue={unit.name} className={itemClass}>
            <span className="min-w-0" style={{ paddingLeft: wanted === "" ? `${depth * 1.25}rem` : 0 }}>
              <Text slot="label">{unit.name}</Text>
              {wanted !== "" && unit.parentId && (
                <Text slot="description" className="block truncate text-muted">
                  {tree
                    .path(unit.parentId)
                    .map((u) => u.name)
                    .join(" › ")}
                </Text>
              )}
            </span>
            <span className="ml-auto pl-2 text-muted">{unit.code}</span>
          </ListBoxItem>
        ))}
      </ListBox>
    </Autocomplete>
  );
}

const itemClass = "flex min-h-9 cursor-pointer items-center rounded-4 px-2 py-1 text-14 outline-none data-[focused]:bg-surface-selected data-[hovered]:bg-surface-hover pointer-coarse:min-h-11";

interface OpenProps extends ListProps {
  trigger: ReactNode;
}

function Opens({ trigger, onPick, ...list }: OpenProps) {
  const { t } = useTranslation("people");
  const [isOpen, setOpen] = useState(false);
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={setOpen}>
      {trigger}
      <Popover offset={4} placement="bottom start" className="w-[min(24rem,calc(100vw-2rem))] overflow-hidden rounded-8 border border-rule bg-surface-overlay shadow-overlay entering:animate-appear">
        <Dialog aria-label={t("units.choose")} className="outline-none">
          <UnitList
            {...list}
            onPick={(id) => {
              setOpen(false);
              onPick(id);
            }}
          />
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

interface PickerProps extends Omit<ListProps, "onPick"> {
  label: string;
  hideLabel?: boolean;
  hint?: string;
  error?: string | undefined;
  value: string;
  onChange: (id: string) => void;
  isDisabled?: boolean;
}

/** One unit of the organisation, in a form. */
export function UnitPicker({ label, hideLabel, hint, error, value, onChange, isDisabled, ...list }: PickerProps) {
  const { t } = useTranslation("people");
  const id = useId();
  const path = list.tree.path(value);
  const said = path.length > 0 ? path.map((u) => u.name).join(" › ") : value ? t("units.gone") : (list.none ?? t("units.choose"));
  return (
    <div className="grid grid-cols-1 content-start gap-1.5" data-invalid={error ? "true" : undefined}>
      <span id={id} className={cx("block font-bold", hideLabel && "sr-only")}>
        {label}
      </span>
      <Opens
        {...list}
        onPick={onChange}
        trigger={
          <AriaButton isDisabled={isDisabled} aria-labelledby={`${id} ${id}-value`} aria-describedby={hint || error ? `${id}-notes` : undefined} className={cx(boxClass, boxSizes.normal, "flex items-center justify-between gap-2 text-left hover:bg-surface-hover", error && "border-danger")}>
            <span id={`${id}-value`} className={cx("min-w-0 truncate [direction:rtl]", path.length === 0 && "text-muted")}>
              <bdi>{said}</bdi>
            </span>
            <Icon of={ChevronDown} size={16} />
          </AriaButton>
        }
      />
      {(hint || error) && (
        <span id={`${id}-notes`} className="text-14">
          {hint && <span className="block text-muted">{hint}</span>}
          {error && <span className="block text-danger">{error}</span>}
        </span>
      )}
    </div>
  );
}

interface ChipProps {
  label: string;
  tree: UnitTree;
  value: string;
  onChange: (id: string) => void;
}

/** A filter of a list by unit, all below it with it. */
export function UnitChip({ label, tree, value, onChange }: ChipProps) {
  const { t } = useTranslation("people");
  const { t: ui } = useTranslation("ui");
  const chosen = value !== "";
  return (
    <span className={cx("inline-flex items-center rounded-full border", chosen ? "border-[var(--surface-selected)] bg-surface-selected" : "border-strong bg-surface")}>
      <Opens
        tree={tree}
        onPick={onChange}
        trigger={
          <AriaButton className={cx("inline-flex min-h-8 max-w-80 items-center gap-1 rounded-full text-14 whitespace-nowrap hover:bg-surface-hover pointer-coarse:min-h-11", chosen ? "pr-1 pl-3" : "px-3")}>
            {!chosen && <Icon of={Plus} size={16} />}
            {label}
            {chosen && <span className="truncate font-bold">{t("accounts.withBelow", { name: tree.get(value)?.name ?? t("units.gone") })}</span>}
          </AriaButton>
        }
      />
      {chosen && (
        <AriaButton aria-label={ui("removeFilter", { name: label })} onPress={() => onChange("")} className="mr-1 grid size-6 place-items-center rounded-full hover:bg-surface-hover pointer-coarse:size-9">
          <Icon of={X} size={16} />
        </AriaButton>
      )}
    </span>
  );
}

interface AddProps extends Omit<ListProps, "none"> {
  label: string;
}

/** A button that adds a unit to several. */
export function UnitAdder({ label, ...list }: AddProps) {
  return (
    <Opens
      {...list}
      trigger={
        <AriaButton className="inline-flex min-h-9 items-center gap-1.5 justify-self-start rounded-6 border border-control bg-surface px-3 text-14 hover:bg-surface-hover pointer-coarse:min-h-11">
          <Icon of={Plus} size={16} />
          {label}
        </AriaButton>
      }
    />
  );
}
