import { renderHook } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Schemas } from "@/lib/api/types";
import { useNoticeOf } from "./notices";

type Message = Schemas["Message"];

afterEach(() => {
  vi.restoreAllMocks();
  document.dispatchEvent(new Event("visibilitychange")); // takes the mark off
  document.head.innerHTML = "";
});

const answer = (status: Message["status"], seconds = 0): Message => ({
  id: "a",
  role: "assistant",
  status,
  parts: [],
  createdAt: "2026-11-22T05:00:00Z",
  ...(status !== "running" && { finishedAt: `2026-11-22T05:00:${String(seconds).padStart(2, "0")}Z` }),
});

/** The title after an answer was seen as given, one after the other, while nobody looked. */
function titleAfter(...seen: Message[]) {
  document.head.innerHTML = "<title>Kakoi</title>";
  vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  const { rerender } = renderHook(({ last }) => useNoticeOf(last), { initialProps: { last: seen[0] } });
  for (const last of seen.slice(1)) rerender({ last });
  return document.title;
}

describe("a conversation that only its page knows", () => {
  it("marks the title when an answer that was waited for long is done", () => {
    expect(titleAfter(answer("running"), answer("complete", 30))).toBe("● Kakoi");
  });
  it("leaves it for a short answer", () => {
    expect(titleAfter(answer("running"), answer("complete", 3))).toBe("Kakoi");
  });
  it("leaves it for one that nobody waited for", () => {
    expect(titleAfter(answer("complete", 30))).toBe("Kakoi");
  });
});
