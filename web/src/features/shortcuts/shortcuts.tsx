import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { limitsQuery, modelsQuery } from "@/features/account/api";
import { canRecord } from "@/lib/can-record";
import { runCommand, useCommand } from "@/lib/commands";
import { Switch } from "@/ui/choice";
import { Dialog } from "@/ui/dialog";
import { Kbd } from "@/ui/kbd";
import { type Shortcut, commandOf, keysOn, onKeysChange, setKeysOn, shortcuts } from "./table";

/** The keys that do things anywhere in Kakoi, and the list of them. */
export function Shortcuts() {
  const { t } = useTranslation("shortcuts");
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const on = useSyncExternalStore(onKeysChange, keysOn);
  useCommand("help", () => setOpen(true));
  useCommand("newConversation", () => {
    void Promise.resolve(navigate({ to: "/" })).then(() => runCommand("focusComposer"));
  });

  const temporary = (useQuery(limitsQuery).data?.temporary ?? "off") !== "off";
  useCommand(
    "temporaryConversation",
    temporary
      ? () => {
          void Promise.resolve(navigate({ to: "/temporary" })).then(() => runCommand("focusComposer"));
        }
      : undefined,
  );
  // Only what the list shows needs it: pages without a composer do not ask for the models.
  const dictation = useQuery({ ...modelsQuery, enabled: open }).data?.transcriber !== undefined && canRecord();
  const possible = shortcuts.filter((s) => (temporary || s.name !== "temporaryConversation") && (dictation || s.name !== "dictate"));

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const command = commandOf(event, keysOn());
      if (command && runCommand(command)) event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  return (
    <Dialog title={t("title")} size="small" isOpen={open} onClose={() => setOpen(false)} dismissable>
      <dl className="grid grid-cols-[minmax(0,1fr)_auto] text-14">
        {possible.map((s) => (
          <Row key={s.name} shortcut={s} words={t(s.name)} off={!on && !s.control} />
        ))}
      </dl>
      <div className="mt-4">
        <SingleKeys />
      </div>
    </Dialog>
  );
}

/** Whether keys without Ctrl do anything on this browser. */
export function SingleKeys() {
  const { t } = useTranslation("shortcuts");
  return (
    <Switch isSelected={useSyncExternalStore(onKeysChange, keysOn)} onChange={setKeysOn} hint={t("singleHint")}>
      {t("single")}
    </Switch>
  );
}

function Row({ shortcut, words, off }: { shortcut: Shortcut; words: string; off: boolean }) {
  return (
    <>
      <dt className={`border-b border-rule py-2 ${off ? "text-disabled" : ""}`}>{words}</dt>
      <dd className="flex items-center justify-end gap-1 border-b border-rule py-2">
        {shortcut.control && <Kbd>Ctrl</Kbd>}
        <Kbd>{shortcut.label ?? shortcut.key.toUpperCase()}</Kbd>
      </dd>
    </>
  );
}

