import { useEffect, useRef } from "react";

/** What can be asked of the page from elsewhere: by a key, by a menu. */
export type Command = "help" | "newConversation" | "temporaryConversation" | "focusComposer" | "toggleSide" | "copyAnswer" | "stop" | "dictate";

const handlers = new Map<Command, { run: () => void }[]>();

/** Does a command while the component is shown; the one shown last goes first. Without a function the command is not possible now. */
export function useCommand(command: Command, run: (() => void) | undefined) {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  }, [run]);
  const possible = run !== undefined;
  useEffect(() => {
    if (!possible) return;
    const handler = { run: () => latest.current?.() };
    handlers.set(command, [...(handlers.get(command) ?? []), handler]);
    return () => void handlers.set(command, (handlers.get(command) ?? []).filter((h) => h !== handler));
  }, [command, possible]);
}

/** Asks for a command; false when nothing on the page does it now. */
export function runCommand(command: Command): boolean {
  const handler = handlers.get(command)?.at(-1);
  handler?.run();
  return handler !== undefined;
}
