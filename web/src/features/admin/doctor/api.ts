import { reportSessionEnd } from "@/lib/api/client";
import { fromResponse, toApiError } from "@/lib/api/error";
import type { Schemas } from "@/lib/api/types";
import { readEvents } from "@/lib/stream";

export type Step = Schemas["DoctorStep"];
export type Question = Schemas["DoctorQuestion"];

export const doctorUrl = "/api/v1/admin/doctor";

/**
 * Examines the installation and tells each step as it comes. Resolves with true
 * when it has come to its end, with false when the connection broke before.
 * Rejects with an ApiError when it was refused, and with the signal's reason when
 * that ended it.
 */
export async function examine(question: Question, signal: AbortSignal, onStep: (step: Step) => void): Promise<boolean> {
  let response: Response;
  try {
    response = await fetch(doctorUrl, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify(question),
      cache: "no-store",
      credentials: "same-origin",
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw toApiError(error);
  }
  if (!response.ok || !response.body) {
    const refusal = fromResponse(response, await response.json().catch(() => undefined));
    reportSessionEnd(refusal);
    throw refusal;
  }
  const ended = await readEvents(
    response.body,
    (data) => {
      const event = JSON.parse(data) as Schemas["DoctorEvent"];
      if (event.step) onStep(event.step);
      return event.type === "done" ? "end" : "go on";
    },
    signal,
  );
  signal.throwIfAborted();
  return ended;
}

