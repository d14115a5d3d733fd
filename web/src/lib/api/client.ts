import createClient from "openapi-fetch";
import { ApiError, fromResponse, isAbort, toApiError } from "./error";
import type { paths } from "./schema";

/** The client, typed by what the server describes. Calls go through {@link unwrap}. */
export const api = createClient<paths>({
  baseUrl: new URL("/api/v1", window.location.origin).href,
  fetch: provenFetch,
});

/** Asks the person to prove again who they are; false when they would rather not. */
type Prover = () => Promise<boolean>;
let prover: Prover | undefined;
let proving: Promise<boolean> | undefined;

/** Has ask called when the server wants a recent proof. What was refused for want of it is then sent again. */
export function onProofNeeded(ask: Prover): () => void {
  prover = ask;
  return () => {
    if (prover === ask) prover = undefined;
  };
}

/** fetch, which proves and repeats what needs a recent proof. Calls that are refused together are asked about once. */
export async function provenFetch(request: Request): Promise<Response> {
  const again = request.clone(); // a body can be read once
  const response = await fetch(request);
  if (response.status !== 403 || !prover) return response;
  const problem: unknown = await response.clone().json().catch(() => undefined);
  if ((problem as { code?: string } | undefined)?.code !== "reauthentication_required") return response;
  proving ??= prover().finally(() => (proving = undefined));
  return (await proving) ? fetch(again) : response;
}

type Listener = (err: ApiError) => void;
const listeners = new Set<Listener>();

/**
 * Calls listener when the server says that nobody is signed in any more, or
 * that the session has a step to pass before anything else.
 */
export function onSessionEnd(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What the server answers while a session has a step to pass. */
const stepCodes = ["second_factor_required", "password_change_required", "second_factor_enrolment_required"];

/** Tells the listeners of {@link onSessionEnd}; for streams, which do not pass unwrap. */
export function reportSessionEnd(err: ApiError) {
  if (err.code === "unauthenticated" || stepCodes.includes(err.code)) {
    listeners.forEach((listener) => listener(err));
  }
}

const waiting = new Set<() => void>();

/** Tells streams that were refused for want of a session that there is one again. */
export function reportSignedIn() {
  waiting.forEach((goOn) => goOn());
}

/** Says that the session has ended, and waits for the person to sign in again, or for the signal. */
export function untilSignedIn(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const goOn = () => {
      waiting.delete(goOn);
      signal.removeEventListener("abort", goOn);
      resolve();
    };
    waiting.add(goOn);
    signal.addEventListener("abort", goOn);
    if (signal.aborted) goOn();
    else reportSessionEnd(new ApiError({ status: 401, code: "unauthenticated" }));
  });
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of a call, or a thrown {@link ApiError}; an abort stays what it is. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (err) {
    throw isAbort(err) ? err : toApiError(err);
  }
  if (answer.response.ok) return answer.data as T;
  const err = fromResponse(answer.response, answer.error);
  reportSessionEnd(err);
  throw err;
}
