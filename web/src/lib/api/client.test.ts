import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api, onSessionEnd, unwrap } from "./client";
import { ApiError } from "./error";

const fetchMock = vi.fn<typeof fetch>();

beforeEach(() => vi.stubGlobal("fetch", fetchMock));
afterEach(() => vi.unstubAllGlobals());

function problem(status: number, body: object) {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/problem+json", "X-Request-Id": "req-1" } });
}

const failed = async () => {
  try {
    await unwrap(api.GET("/models", {}));
  } catch (err) {
    return err as ApiError;
  }
  throw new Error("did not fail");
};

test("an answer is handed on", async () => {
  fetchMock.mockResolvedValue(Response.json({ items: [] }));
  await expect(unwrap(api.GET("/models", {}))).resolves.toEqual({ items: [] });
});

test("a problem becomes an error with its code, params and request id", async () => {
  fetchMock.mockResolvedValue(problem(429, { code: "model_throttled", detail: "busy", params: { wait: "3" }, requestId: "req-9" }));
  const err = await failed();
  expect(err).toBeInstanceOf(ApiError);
  expect(err).toMatchObject({ status: 429, code: "model_throttled", params: { wait: "3" }, requestId: "req-9" });
});

test("a proxy's page is a passing failure, not a crash", async () => {
  fetchMock.mockResolvedValue(new Response("<html>Bad Gateway</html>", { status: 502, headers: { "Content-Type": "text/html" } }));
  const err = await failed();
  expect(err.code).toBe("unavailable");
  expect(err.passing).toBe(true);
});

test("no network is a failure of its own", async () => {
  fetchMock.mockRejectedValue(new TypeError("Failed to fetch"));
  expect((await failed()).code).toBe("unreachable");
});

test("an abort stays an abort", async () => {
  fetchMock.mockRejectedValue(new DOMException("gone", "AbortError"));
  expect((await failed()).name).toBe("AbortError");
});

test("the end of a session is told, a wrong password is not", async () => {
  const told = vi.fn();
  const stop = onSessionEnd(told);
  fetchMock.mockResolvedValue(problem(401, { code: "sign_in_failed" }));
  await failed();
  expect(told).not.toHaveBeenCalled();
  fetchMock.mockResolvedValue(problem(401, { code: "unauthenticated" }));
  await failed();
  expect(told).toHaveBeenCalledOnce();
  stop();
  fetchMock.mockResolvedValue(problem(401, { code: "unauthenticated" }));
  await failed();
  expect(told).toHaveBeenCalledOnce();
});
