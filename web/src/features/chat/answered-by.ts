import type { Message } from "./api";

/** The names of the models by the first answer of each in a row; none where all are of one. */
export function answeredBy(messages: readonly Message[]): ReadonlyMap<string, string> {
  const answers = messages.filter((message) => message.role === "assistant" && message.modelName);
  const names = new Map<string, string>();
  if (answers.every((answer) => answer.modelName === answers[0]?.modelName)) return names;
  for (const [i, { id, modelName }] of answers.entries()) if (modelName && modelName !== answers[i - 1]?.modelName) names.set(id, modelName);
  return names;
}
