import createClient from "openapi-fetch";
import { ApiError, fromResponse, isAbort, toApiError } from "./error";
import type { paths } from "./schema";

/** The client, typed by what the server describes. Calls go through {@link unwrap}. */
export const api = createClient<paths>({
  baseUrl: new URL("/api/v1", window.location.origin).href,
  fetch: (request) => fetch(request),
});

type Listener = (err: ApiError) => void;
const listeners = new Set<Listener>();

/**
 * Calls listener when the server says that nobody is signed in any more, or
 * that a temporary password must be replaced before anything else.
 */
export function onSessionEnd(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Tells the listeners of {@link onSessionEnd}; for streams, which do not pass unwrap. */
export function reportSessionEnd(err: ApiError) {
  if (err.code === "unauthenticated" || err.code === "password_change_required") {
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
