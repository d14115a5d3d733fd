import { useQuery } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { useMe } from "@/features/account/api";
import { firstQuery } from "@/features/library/api";
import { FirstPromptLine } from "@/features/library/first-prompt";
import type { Model } from "@/lib/api/types";
import type { Choice } from "./api";

/** What a person chose on the page; instructions that are absent are those of their first prompt. */
type Chosen = Omit<Choice, "systemPrompt"> & { systemPrompt?: string | undefined };

/** What a conversation begins with: what is chosen on its page, else the person's model and first prompt, else the model for all. */
export function useFirstChoice(models: readonly Model[]) {
  const { preferences } = useMe();
  const begun = useRouterState({ select: (state) => state.location.state.systemPrompt });
  const [chosen, setChosen] = useState<Chosen>({ modelId: "", parameters: {}, systemPrompt: begun });
  const [held, hold] = useState<string>();
  const own = chosen.systemPrompt !== undefined;
  const first = useQuery(firstQuery(own ? "" : preferences.defaultPromptId));
  const model =
    models.find((one) => one.id === chosen.modelId) ?? models.find((one) => one.id === preferences.defaultModelId) ?? models.find((one) => one.isDefault) ?? models[0];
  const choice: Choice = { ...chosen, modelId: model?.id ?? "", systemPrompt: chosen.systemPrompt ?? held ?? (first.data?.state === "ready" ? first.data.text : "") };
  const setSystemPrompt = useCallback((systemPrompt: string) => setChosen((old) => ({ ...old, systemPrompt })), []);
  return {
    model,
    choice,
    /** The instructions of this page, or undefined: those of the first prompt. */
    ownPrompt: chosen.systemPrompt,
    choose: setChosen,
    setModel: useCallback((modelId: string) => setChosen((old) => ({ ...old, modelId })), []),
    /** Keeps instructions for a conversation that has begun, whatever its prompt says later; undefined lets them go. */
    hold,
    /** The first prompt is being read. */
    isLoading: first.isLoading,
    /** For the place under the field: with which instructions it will begin. */
    line: <FirstPromptLine id={preferences.defaultPromptId} text={choice.systemPrompt} own={own} onChange={setSystemPrompt} />,
  };
}
