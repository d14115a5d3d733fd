import { createContext, useContext } from "react";

/** A block of an answer that can be looked at beside it. */
export type Beside =
  | { kind: "diagram" | "picture" | "html" | "chart"; source: string }
  | { kind: "table"; cells: string[][] };

/** Opens a block beside the answer; null where there is no such place. */
export const BesideContext = createContext<((block: Beside) => void) | null>(null);

export const useBeside = () => useContext(BesideContext);
