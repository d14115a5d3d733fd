/**
 * The events of a run's stream: the AI SDK's UI message stream, version 1, with
 * our own place marks as event ids ("part:byte", the place after the event).
 */

import type { Schemas } from "../api/types";

export type Usage = Schemas["Usage"];
export type Cost = Schemas["Cost"];

/** Why an answer failed: a stable code and the values its text names. */
export type Failure = Schemas["Failure"];

export type RunStatus = Schemas["Message"]["status"];

/** What the stream says about the answer as a whole. Later fields win. */
export type RunMetadata = Partial<
  Pick<Schemas["Message"], "status" | "stopReason" | "error" | "usage" | "cost" | "finishedAt" | "modelId" | "modelName" | "firstTokenMs" | "reasoningMs" | "context">
>;

export type TextKind = "text" | "reasoning";

/** Where in the line of its model an answer stands before it begins. */
export interface LinePlace {
  /** Other persons whose turn is before. */
  ahead: number;
  /** About; absent where nobody can tell. */
  waitMs?: number;
}

/** A decoded event, reduced to what the transcript needs. */
export type RunEvent =
  | { type: "start"; messageId?: string; metadata?: RunMetadata }
  | { type: "part-start"; kind: TextKind; part: number }
  | { type: "delta"; kind: TextKind; part: number; delta: string }
  | { type: "part-end"; kind: TextKind; part: number }
  | { type: "metadata"; metadata: RunMetadata }
  | { type: "line"; place: LinePlace | undefined }
  | { type: "error"; text: string }
  | { type: "abort" }
  | { type: "finish"; metadata?: RunMetadata }
  | { type: "done" };

/** A place in an answer: a part and a byte in it. */
export interface Place {
  part: number;
  byte: number;
}

/** Reads "1:1534"; undefined for anything else. */
export function parsePlace(id: string | undefined): Place | undefined {
  const found = id === undefined ? null : /^(\d{1,9}):(\d{1,15})$/.exec(id);
  return found ? { part: Number(found[1]), byte: Number(found[2]) } : undefined;
}

/** Writes the place as the server reads it in Last-Event-ID. */
export function formatPlace(place: Place): string {
  return `${place.part}:${place.byte}`;
}

/**
 * Decodes the data of one event. Types we do not know are undefined: a newer
 * server may say more than this page understands. Throws on what is not JSON.
 */
export function decodeRunEvent(data: string): RunEvent | undefined {
  if (data === "[DONE]") return { type: "done" };
  const raw: unknown = JSON.parse(data);
  if (!isRecord(raw)) return undefined;
  switch (raw.type) {
    case "start":
      return {
        type: "start",
        ...(typeof raw.messageId === "string" && { messageId: raw.messageId }),
        ...(isRecord(raw.messageMetadata) && { metadata: raw.messageMetadata }),
      };
    case "text-start":
    case "reasoning-start": {
      const part = partIndex(raw.id);
      return part === undefined ? undefined : { type: "part-start", kind: kindOf(raw.type), part };
    }
    case "text-end":
    case "reasoning-end": {
      const part = partIndex(raw.id);
      return part === undefined ? undefined : { type: "part-end", kind: kindOf(raw.type), part };
    }
    case "text-delta":
    case "reasoning-delta": {
      const part = partIndex(raw.id);
      if (part === undefined || typeof raw.delta !== "string") return undefined;
      return { type: "delta", kind: kindOf(raw.type), part, delta: raw.delta };
    }
    case "message-metadata":
      return isRecord(raw.messageMetadata) ? { type: "metadata", metadata: raw.messageMetadata } : undefined;
    case "data-usage":
      return isRecord(raw.data) ? { type: "metadata", metadata: usageOnly(raw.data) } : undefined;
    case "data-queue":
      return isRecord(raw.data) ? { type: "line", place: placeInLine(raw.data) } : undefined;
    case "error":
      return { type: "error", text: typeof raw.errorText === "string" ? raw.errorText : "" };
    case "abort":
      return { type: "abort" };
    case "finish":
      return { type: "finish", ...(isRecord(raw.messageMetadata) && { metadata: raw.messageMetadata }) };
    default:
      return undefined;
  }
}

function usageOnly(data: RunMetadata): RunMetadata {
  return { ...(data.usage && { usage: data.usage }), ...(data.cost && { cost: data.cost }) };
}

function placeInLine({ waiting, ahead, waitMs }: Record<string, unknown>): LinePlace | undefined {
  if (waiting !== true || typeof ahead !== "number") return undefined;
  return { ahead, ...(typeof waitMs === "number" && waitMs > 0 && { waitMs }) };
}

function kindOf(type: string): TextKind {
  return type.startsWith("text") ? "text" : "reasoning";
}

function partIndex(id: unknown): number | undefined {
  return typeof id === "string" && /^\d{1,9}$/.test(id) ? Number(id) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
