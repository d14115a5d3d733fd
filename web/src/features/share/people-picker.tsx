import { useQuery } from "@tanstack/react-query";
import { Search, User, Users, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { isComposing } from "@/lib/composing";
import { announce } from "@/lib/announce";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import { matches } from "@/lib/match";
import { useDebounced } from "@/lib/use-debounced";
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
  const [at, setAt] = useState<number>();
  const errorId = useId();
  const listId = useId();

  const groups = (found.data?.groups ?? []).filter((one) => !value.groups.some((group) => group.id === one.id));
  const people = (found.data?.people ?? []).filter((one) => !value.people.some((person) => person.id === one.id));
  const known = [
    ...people.map((person) => ({ id: person.id, name: person.name, note: format.list(person.groups), icon: User, add: () => onChange({ ...value, people: [...value.people, person] }) })),
    ...groups.map((group) => ({ id: group.id, name: group.name, note: t("group"), icon: Users, add: () => onChange({ ...value, groups: [...value.groups, group] }) })),
  ];
  const settled = name === typed.trim() && !found.isPlaceholderData && !found.isPending;
  // Until the answer is there, what is known already is narrowed here.
  const offered = settled ? known : known.filter((one) => matches(one.name, typed.trim()));
  const chosen = [
    ...value.groups.map((group) => ({ id: group.id, name: group.name, icon: Users, remove: () => onChange({ ...value, groups: value.groups.filter((one) => one !== group) }) })),
    ...value.people.map((person) => ({ id: person.id, name: person.name, icon: User, remove: () => onChange({ ...value, people: value.people.filter((one) => one !== person) }) })),
  ];
  // What is typed has its first answer ready for Enter; groups that are only offered do not.
  const current = settled && offered.length > 0 ? offered[at ?? (name === "" ? -1 : 0)] : undefined;

  const type = (words: string) => {
    setTyped(words);
    setAt(undefined);
  };
  const add = (one: (typeof offered)[number]) => {
    one.add();
    type("");
  };
  const optionId = ({ id }: { id: string }) => `${listId}-${id}`;
  const onKeyDown = (event: KeyboardEvent) => {
    // The Enter that ends a conversion of kana chooses nobody.
    if (isComposing(event)) return;
    const move = (to: number) => setAt((to + offered.length) % Math.max(1, offered.length));
    const row = current ? offered.indexOf(current) : -1;
    if (event.key === "ArrowDown") move(row + 1);
    else if (event.key === "ArrowUp") move(row < 0 ? -1 : row - 1);
    else if (event.key === "Enter" && current) add(current);
    else if (event.key === "Escape" && typed !== "") type("");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const currentId = current && optionId(current);
  useEffect(() => {
    if (currentId) document.getElementById(currentId)?.scrollIntoView({ block: "nearest" });
  }, [currentId]);
  const count = settled && name !== "" ? offered.length : undefined;
  useEffect(() => {
    if (count !== undefined) announce(count > 0 ? t("foundCount", { count }) : t("noneFound"));
  }, [count, t]);

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
      <div className="overflow-hidden rounded-8 border border-control has-aria-invalid:border-danger">
        <div className="relative">
          <Icon of={Search} className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-muted" />
          <input
            role="combobox"
            aria-label={t("findPeople")}
            aria-autocomplete="list"
            aria-expanded={offered.length > 0}
            aria-controls={offered.length > 0 ? listId : undefined}
            aria-activedescendant={current && optionId(current)}
            aria-invalid={error ? true : undefined}
            aria-describedby={error ? errorId : undefined}
            placeholder={t("findPeople")}
            autoComplete="off"
            spellCheck="false"
            value={typed}
            onChange={(event) => type(event.target.value)}
            onKeyDown={onKeyDown}
            className="min-h-11 w-full bg-surface pr-11 pl-10 text-16 text-default outline-offset-[-2px]"
          />
          {typed !== "" && (
            <AriaButton aria-label={ui("clearSearch")} onPress={() => type("")} className="absolute inset-y-1 right-1 grid w-9 place-items-center rounded-4 hover:bg-surface-hover">
              <Icon of={X} size={16} />
            </AriaButton>
          )}
        </div>
        {offered.length === 0 ? (
          <p className="border-t border-rule px-3 py-2 text-14 text-muted">{found.error ? t("findFailed") : name === "" ? t("findHint") : settled ? t("noneFound") : t("finding")}</p>
        ) : (
          <div id={listId} role="listbox" aria-label={t("found")} className="max-h-48 overflow-y-auto border-t border-rule p-1">
            {offered.map((one) => (
              // The keyboard chooses from the field, which keeps the focus.
              // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
              <div
                key={one.id}
                id={optionId(one)}
                role="option"
                aria-selected={one === current}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => add(one)}
                className={cx("flex min-h-9 cursor-pointer items-center gap-2.5 rounded-4 px-2 text-14 hover:bg-surface-hover pointer-coarse:min-h-11", one === current && "bg-surface-selected")}
              >
                <Icon of={one.icon} size={16} className="flex-none text-muted" />
                <span className="min-w-0 truncate">{one.name}</span>
                {one.note && <span className="ml-auto max-w-[50%] truncate text-muted">{one.note}</span>}
              </div>
            ))}
          </div>
        )}
      </div>
      {error && (
        <p id={errorId} role="alert" className="text-14 text-danger">
          {error}
        </p>
      )}
    </div>
  );
}
