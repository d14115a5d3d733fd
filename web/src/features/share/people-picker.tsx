import { useQuery } from "@tanstack/react-query";
import { Search, User, Users, X } from "lucide-react";
import { useId, useState } from "react";
import { Autocomplete, Button as AriaButton, Input, ListBox, ListBoxItem, SearchField, Text } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { isComposing } from "@/features/chat/composing";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import { useDebounced } from "@/lib/use-debounced";
import { boxClass, boxSizes } from "@/ui/field";
import { Icon } from "@/ui/icon";
import { type SharedWith, peopleQuery } from "./api";

interface Props {
  value: SharedWith;
  onChange: (value: SharedWith) => void;
  error?: string | undefined;
}

/** Chooses people and groups by a part of their name. */
export function PeoplePicker({ value, onChange, error }: Props) {
  const { t } = useTranslation("share");
  const { t: ui } = useTranslation("ui");
  const format = useFormats();
  const [typed, setTyped] = useState("");
  const name = useDebounced(typed.trim());
  const found = useQuery(peopleQuery(name));
  const errorId = useId();

  const groups = (found.data?.groups ?? []).filter((one) => !value.groups.some((group) => group.id === one.id));
  const people = (found.data?.people ?? []).filter((one) => !value.people.some((person) => person.id === one.id));
  const offered = [
    ...people.map((person) => ({ id: person.id, name: person.name, note: format.list(person.groups), icon: User, add: () => onChange({ ...value, people: [...value.people, person] }) })),
    ...groups.map((group) => ({ id: group.id, name: group.name, note: t("group"), icon: Users, add: () => onChange({ ...value, groups: [...value.groups, group] }) })),
  ];
  const chosen = [
    ...value.groups.map((group) => ({ id: group.id, name: group.name, icon: Users, remove: () => onChange({ ...value, groups: value.groups.filter((one) => one !== group) }) })),
    ...value.people.map((person) => ({ id: person.id, name: person.name, icon: User, remove: () => onChange({ ...value, people: value.people.filter((one) => one !== person) }) })),
  ];
  const settled = name === typed.trim() && !found.isPlaceholderData && !found.isPending;

  return (
    <div className="grid gap-2">
      {chosen.length > 0 && (
        <ul aria-label={t("chosen")} className="flex max-h-40 flex-wrap gap-2 overflow-y-auto">
          {chosen.map((one) => (
            <li key={one.id} className="inline-flex max-w-full items-center gap-1.5 rounded-full border border-strong bg-surface-selected pl-3 text-14">
              <Icon of={one.icon} size={16} className="flex-none text-muted" />
              <span className="truncate">{one.name}</span>
              <AriaButton aria-label={t("removeNamed", { name: one.name })} onPress={one.remove} className="grid size-8 flex-none place-items-center rounded-full hover:bg-surface-hover pointer-coarse:size-11">
                <Icon of={X} size={16} />
              </AriaButton>
            </li>
          ))}
        </ul>
      )}
      {/* The Enter that ends a conversion of kana chooses nobody. */}
      <div
        onKeyDownCapture={(event) => {
          if (event.key === "Enter" && isComposing(event)) event.stopPropagation();
        }}
        className="overflow-hidden rounded-8 border border-control"
      >
        <Autocomplete inputValue={typed} onInputChange={setTyped}>
          <SearchField aria-label={t("findPeople")} aria-describedby={error ? errorId : undefined} className="group relative">
            <Icon of={Search} className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-muted" />
            <Input
              placeholder={t("findPeople")}
              autoComplete="off"
              aria-invalid={error ? true : undefined}
              className={cx(boxClass, boxSizes.normal, "rounded-none! border-0! pr-11 pl-10 outline-offset-[-2px] [&::-webkit-search-cancel-button]:hidden")}
            />
            <AriaButton aria-label={ui("clearSearch")} className="absolute inset-y-1 right-1 grid w-9 place-items-center rounded-4 hover:bg-surface-hover group-data-[empty]:hidden">
              <Icon of={X} size={16} />
            </AriaButton>
          </SearchField>
          <ListBox
            aria-label={t("found")}
            items={offered}
            selectionMode="none"
            onAction={(id) => {
              offered.find((one) => one.id === id)?.add();
              setTyped("");
            }}
            renderEmptyState={() => <p className="px-3 py-2 text-14 text-muted">{found.error ? t("findFailed") : name === "" ? t("findHint") : settled ? t("noneFound") : t("finding")}</p>}
            className="max-h-48 overflow-y-auto border-t border-rule p-1 outline-none"
          >
            {(one) => (
              <ListBoxItem id={one.id} textValue={one.name} className="flex min-h-9 cursor-pointer items-center gap-2.5 rounded-4 px-2 text-14 outline-none hover:bg-surface-hover data-[focused]:bg-surface-selected pointer-coarse:min-h-11">
                <Icon of={one.icon} size={16} className="flex-none text-muted" />
                <Text slot="label" className="min-w-0 truncate">
                  {one.name}
                </Text>
                {one.note && (
                  <Text slot="description" className="ml-auto min-w-0 truncate text-muted">
                    {one.note}
                  </Text>
                )}
              </ListBoxItem>
            )}
          </ListBox>
        </Autocomplete>
      </div>
      {error && (
        <p id={errorId} role="alert" className="text-14 text-danger">
          {error}
        </p>
      )}
    </div>
  );
}
