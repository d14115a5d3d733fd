import { useQuery } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { limitsQuery, useMe } from "@/features/account/api";
import { firstQuery } from "@/features/library/api";
import { FirstPromptLine } from "@/features/library/first-prompt";
import type { Model } from "@/lib/api/types";
import { type Confidentiality, counted, takesClass } from "@/lib/confidentiality";
import type { Choice } from "./api";

/** What a person chose on the page; instructions that are absent are those of their first prompt. */
type Chosen = Omit<Choice, "systemPrompt"> & { systemPrompt?: string | undefined };

/** What a conversation begins with: what is chosen on its page, else the person's model and first prompt, else the model for all. */
export function useFirstChoice(models: readonly Model[]) {
  const { preferences } = useMe();
  const initial = useQuery(limitsQuery).data?.defaultClass;
  const begun = useRouterState({ select: (state) => state.location.state.systemPrompt });
  const [chosen, setChosen] = useState<Chosen>({ modelId: "", parameters: {}, systemPrompt: begun });
  const [held, hold] = useState<string>();
  const own = chosen.systemPrompt !== undefined;
  const first = useQuery(firstQuery(own ? "" : preferences.defaultPromptId));
  const confidentiality = counted(chosen.class, initial);
  const fitting = models.filter((one) => takesClass(one, confidentiality));
  const model =
    fitting.find((one) => one.id === chosen.modelId) ?? fitting.find((one) => one.id === preferences.defaultModelId) ?? fitting.find((one) => one.isDefault) ?? fitting[0];
  const choice: Choice = { ...chosen, class: confidentiality || undefined, modelId: model?.id ?? "", systemPrompt: chosen.systemPrompt ?? held ?? (first.data?.state === "ready" ? first.data.text : "") };
  const setSystemPrompt = useCallback((systemPrompt: string) => setChosen((old) => ({ ...old, systemPrompt })), []);
  return {
    model,
    /** Those that what is this confidential may be sent to. */
    fitting,
    confidentiality,
    choice,
    /** The instructions of this page, or undefined: those of the first prompt. */
    ownPrompt: chosen.systemPrompt,
    choose: useCallback((next: Choice) => setChosen((old) => ({ class: old.class, ...next })), []),
    classify: useCallback((next: Confidentiality) => setChosen((old) => ({ ...old, class: next })), []),
    setModel: useCallback((modelId: string) => setChosen((old) => ({ ...old, modelId })), []),
    /** Keeps instructions for a conversation that has begun, whatever its prompt says later; undefined lets them go. */
    hold,
    /** The first prompt is being read. */
    isLoading: first.isLoading,
    /** For the place under the field: with which instructions it will begin. */
    line: <FirstPromptLine id={preferences.defaultPromptId} text={choice.systemPrompt} own={own} onChange={setSystemPrompt} />,
  };
}
