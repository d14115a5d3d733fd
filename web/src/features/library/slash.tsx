import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useId, useState } from "react";
import { Popover } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { announce } from "@/lib/announce";
import { cx } from "@/lib/cx";
import { matches } from "@/lib/match";
import { type PromptSummary, offeredQuery } from "./api";
import { usePromptText } from "./use-prompt";
import { useCategoryName, useLanguage } from "./words";

const shownAtOnce = 50;

/** What was typed after a slash at the very beginning; undefined without one. An input method writes the wide one. */
export function slashQuery(text: string): string | undefined {
  return /^[/／](\S*)$/.exec(text)?.[1];
}

/** The prompts a query finds: those whose command begins so first, each in the order given. */
export function offered(prompts: readonly PromptSummary[], query: string): PromptSummary[] {
  const found = prompts.filter((p) => matches(`${p.command ?? ""} ${p.name}`, query));
  const first = (p: PromptSummary) => (query !== "" && p.command?.startsWith(query.normalize("NFKC").toLowerCase()) ? 0 : 1);
  return found.sort((a, b) => first(a) - first(b)).slice(0, shownAtOnce);
}

interface Slash {
  /** Whether the key was the menu's; the field then leaves it alone. */
  onKeyDown: (event: KeyboardEvent) => boolean;
  /** For the field. */
  aria: { "aria-autocomplete"?: "list"; "aria-controls"?: string; "aria-activedescendant"?: string };
  /** The menu and the form of variables. */
  menu: ReactNode;
}

/** The menu of prompts that a slash at the beginning of a message opens. */
export function useSlash(text: string, onText: (text: string) => void, field: RefObject<HTMLTextAreaElement | null>, box: RefObject<HTMLElement | null>): Slash {
  const { t } = useTranslation("library");
  const navigate = useNavigate();
  const id = useId();
  const query = slashQuery(text);
  const [dismissed, setDismissed] = useState(false);
  const [focused, setFocused] = useState(false);
  const [at, setAt] = useState({ query: "", row: 0 });
  const wanted = query !== undefined && !dismissed && focused;
  const prompts = useQuery({ ...offeredQuery("message", useLanguage()), enabled: wanted });
  const items = wanted && prompts.data ? offered(prompts.data.items, query) : [];
  const open = wanted && prompts.data !== undefined;
  const row = at.query === query ? Math.min(at.row, items.length - 1) : 0;
  const current = items[row];
  const categoryName = useCategoryName();

  // A menu that was closed stays so until its slash is gone.
  if (query === undefined && dismissed) setDismissed(false);

  useEffect(() => {
    const element = field.current;
    if (!element) return;
    const follow = () => setFocused(document.activeElement === element);
    follow();
    element.addEventListener("focus", follow);
    element.addEventListener("blur", follow);
    // After React has heard of it: drawn anew before, the field would lose what was just typed.
    const page = element.ownerDocument;
    page.addEventListener("input", follow);
    return () => {
      element.removeEventListener("focus", follow);
      element.removeEventListener("blur", follow);
      page.removeEventListener("input", follow);
    };
  }, [field]);

  const count = open ? items.length : undefined;
  useEffect(() => {
    if (count === undefined) return;
    const timer = setTimeout(() => announce(count > 0 ? t("slashCount", { count }) : t("slashNone")), 400);
    return () => clearTimeout(timer);
  }, [count, t]);

  const { take, dialog } = usePromptText(t("insert"), (filled) => {
    onText(filled);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(filled.length, filled.length);
    });
  });
  const choose = (prompt: PromptSummary) => {
    setDismissed(true);
    void take(prompt.id);
  };

  const onKeyDown = (event: KeyboardEvent): boolean => {
    // While an input method writes, the keys are its own.
    if (!open || event.nativeEvent.isComposing || event.keyCode === 229) return false;
    const move = (to: number) => setAt({ query: query ?? "", row: (to + items.length) % Math.max(1, items.length) });
    if (event.key === "ArrowDown") move(row + 1);
    else if (event.key === "ArrowUp") move(row - 1);
    else if (event.key === "Escape") setDismissed(true);
    else if (current && !event.shiftKey && (event.key === "Enter" || event.key === "Tab")) choose(current);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };

  const optionId = (p: PromptSummary) => `${id}-${p.id}`;
  useEffect(() => {
    if (current) document.getElementById(`${id}-${current.id}`)?.scrollIntoView({ block: "nearest" });
  }, [current, id]);

  const menu = (
    <>
      <Popover
        triggerRef={box}
        isOpen={open}
        isNonModal
        placement="top start"
        offset={4}
        maxHeight={360}
        aria-label={t("slashLabel")}
        onOpenChange={(next) => !next && setDismissed(true)}
        className="flex w-(--trigger-width) max-w-[36rem] flex-col overflow-hidden rounded-8 border border-rule bg-surface-overlay shadow-overlay entering:animate-appear"
      >
        {items.length === 0 ? (
          <p className="px-4 pt-3 pb-2 text-14 text-muted">{t("slashNone")}</p>
        ) : (
          // It scrolls, so Tab reaches it; choosing stays with the field.
          <div id={`${id}-list`} role="listbox" aria-label={t("slashLabel")} tabIndex={0} className="min-h-0 flex-1 overflow-y-auto p-1">
            {items.map((p) => (
              // The keyboard chooses from the field, which keeps the focus.
              // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
              <div
                key={p.id}
                id={optionId(p)}
                role="option"
                aria-selected={p === current}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => choose(p)}
                className={cx("flex min-h-10 cursor-pointer items-center gap-3 rounded-4 px-3 py-1 text-14 hover:bg-surface-hover pointer-coarse:min-h-11", p === current && "bg-surface-selected")}
              >
                <span className="min-w-0 flex-1">
                  <span className="block truncate font-bold">{p.name}</span>
                  {p.description && <span className="block truncate text-muted">{p.description}</span>}
                </span>
                <span className="max-w-[45%] flex-none truncate text-right text-muted">{p.command ? `/${p.command}` : p.category ? categoryName(p.category) : ""}</span>
              </div>
            ))}
          </div>
        )}
        <button
          type="button"
          tabIndex={-1}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => void navigate({ to: "/prompts", search: { kind: "message" } })}
          className="min-h-10 flex-none border-t border-rule px-4 text-left text-14 text-muted hover:bg-surface-hover pointer-coarse:min-h-11"
        >
          {t("slashAll")}
        </button>
      </Popover>
      {dialog}
    </>
  );
  const aria = open && current ? { "aria-autocomplete": "list" as const, "aria-controls": `${id}-list`, "aria-activedescendant": optionId(current) } : {};
  return { onKeyDown, aria, menu };
}
