import { createContext, useContext } from "react";
import { fileUrl } from "./file-keeper";

/** How messages are read that are not one's own. */
export interface Reading {
  /** Who asked. */
  speaker?: string;
  /** Who reads can do nothing about an answer that failed: they see what happened, not what would help. */
  onlyReading?: boolean;
  fileUrl: (attachmentId: string) => string;
}

export const ReadingContext = createContext<Reading>({ fileUrl });

export const useReading = () => useContext(ReadingContext);
