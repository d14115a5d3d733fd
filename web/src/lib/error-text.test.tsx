import { renderHook } from "@testing-library/react";
import { expect, test } from "vitest";
import { ja } from "@/locales/ja";
import { useErrorText } from "./error-text";

const { model_access_denied: denied, model_throttled: throttled, unknown } = ja.errors;

function text(code: string, params: Record<string, string> = {}, detail = "") {
  return renderHook(() => useErrorText({ code, params, detail })).result.current;
}

test("a failure is told by its reason, with what it speaks of", () => {
  const scp = text("model_access_denied", { reason: "service_control_policy", region: "ap-northeast-3" });
  expect(scp.what).toBe(denied.reasons.service_control_policy.what.replace("{{region}}", "ap-northeast-3"));
  expect(scp.todo).toBe(denied.reasons.service_control_policy.todo);
});

test("without what the reason speaks of, the words of the code are enough", () => {
  expect(text("model_access_denied", { reason: "service_control_policy" }).what).toBe(denied.what);
});

test("a reason without words of its own, and none, are told in those of the code", () => {
  for (const params of [{}, { reason: "requests" }, { reason: "what" }, { reason: "" }] as Record<string, string>[]) {
    expect(text("model_throttled", params)).toMatchObject({ what: throttled.what, todo: throttled.todo });
  }
  expect(text("unheard_of", { reason: "tokens" }, "The server says so.")).toMatchObject({ what: unknown.what, todo: "The server says so." });
});
