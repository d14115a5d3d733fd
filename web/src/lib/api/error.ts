/** The codes this side adds to those of internal/errs. */
export type ClientCode = "unreachable" | "unknown";

/**
 * A call that failed, with the code the server gave it. The text a person
 * reads comes from the locales by code; `detail` is the server's own sentence
 * in English and stands in where a code has no text yet.
 */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
  readonly field: string;
  readonly params: Record<string, string>;

  constructor(problem: { status?: number; code?: string; detail?: string; requestId?: string; field?: string; params?: Record<string, string> }, options?: ErrorOptions) {
    super(problem.detail || problem.code || "unknown", options);
    this.name = "ApiError";
    this.status = problem.status ?? 0;
    this.code = problem.code ?? "unknown";
    this.detail = problem.detail ?? "";
    this.requestId = problem.requestId ?? "";
    this.field = problem.field ?? "";
    this.params = problem.params ?? {};
  }

  /** Whether the same call may well succeed in a moment. */
  get passing(): boolean {
    return this.code === "unreachable" || this.code === "unavailable";
  }
}

/** Whether the caller itself gave up waiting. */
export function isAbort(err: unknown): boolean {
  return err instanceof DOMException && err.name === "AbortError";
}

/** Whatever was thrown, as an ApiError. A failed fetch becomes "unreachable". */
export function toApiError(err: unknown): ApiError {
  if (err instanceof ApiError) return err;
  if (err instanceof TypeError) return new ApiError({ code: "unreachable", detail: err.message }, { cause: err });
  return new ApiError({ code: "unknown", detail: err instanceof Error ? err.message : String(err) }, { cause: err });
}

/** The error of a response that is not a success. */
export function fromResponse(response: Response, body: unknown): ApiError {
  const requestId = response.headers.get("X-Request-Id") ?? "";
  if (typeof body === "object" && body !== null && "code" in body) {
    return new ApiError({ requestId, ...(body as object), status: response.status });
  }
  // Not ours: a proxy between us answered.
  const code = response.status >= 502 && response.status <= 504 ? "unavailable" : "unknown";
  return new ApiError({ status: response.status, code, requestId });
}
