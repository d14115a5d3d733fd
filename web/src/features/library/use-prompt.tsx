import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useState } from "react";
import { useAct } from "@/ui/use-act";
import { type Prompt, promptQuery, refreshPrompts, renderPrompt } from "./api";
import { FillDialog } from "./fill";

/**
 * Fills a prompt in, asking for its variables where it has some, and hands
 * over the text. What it returns beside the act belongs on the page.
 */
export function usePromptText(actLabel: string, onText: (text: string) => void): { take: (id: string) => Promise<void>; dialog: ReactNode } {
  const client = useQueryClient();
  const act = useAct();
  const [asked, setAsked] = useState<Prompt>();
  const take = useCallback(
    async (id: string) => {
      await act(async () => {
        const prompt = await client.fetchQuery({ ...promptQuery(id), staleTime: 0 });
        if (prompt.variables.length > 0) return setAsked(prompt);
        const { text } = await renderPrompt(id, {});
        void refreshPrompts(client);
        onText(text);
      });
    },
    [act, client, onText],
  );
  return { take, dialog: asked && <FillDialog prompt={asked} actLabel={actLabel} onClose={() => setAsked(undefined)} onFilled={onText} /> };
}
