import { createContext, useContext } from "react";

/** A block of an answer that can be looked at beside it. */
export type Beside =
  | { kind: "diagram" | "picture" | "html" | "chart"; source: string }
  | { kind: "table"; cells: string[][]; place?: TablePlace | undefined };

/** Which table of which answer one is, as the server counts them. */
export interface TablePlace {
  answerId: string;
  index: number;
}

/** Finds the place of a table from something in it; none: it is in no stored answer, such as in what a model thought. */
export function tablePlace(inside: Element | null): TablePlace | undefined {
  const table = inside?.closest("[data-table]");
  const answer = table?.closest<HTMLElement>("[data-answer]");
  if (!table || !answer?.dataset.answer) return undefined;
  const index = [...answer.querySelectorAll("[data-table]")].filter((one) => !one.closest("[data-reasoning]")).indexOf(table);
  return index < 0 ? undefined : { answerId: answer.dataset.answer, index };
}

/** Opens a block beside the answer; null where there is no such place. */
export const BesideContext = createContext<((block: Beside) => void) | null>(null);

export const useBeside = () => useContext(BesideContext);
