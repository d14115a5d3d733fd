import { createContext, useContext } from "react";
import { fileUrl } from "./file-keeper";

/** How messages are read that are not one's own. */
export interface Reading {
  /** Who asked. */
  speaker?: string;
  fileUrl: (attachmentId: string) => string;
}

export const ReadingContext = createContext<Reading>({ fileUrl });

export const useReading = () => useContext(ReadingContext);
