import { QueryClient } from "@tanstack/react-query";
import { afterEach, describe, expect, it, vi } from "vitest";
import { markTitle, noticeState, notify, setNotice, watchAnswers } from "./notify";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  localStorage.clear();
});

const answer = (status: string, more = {}) => ({ pages: [{ items: [{ id: "a1", role: "assistant", status, createdAt: "2026-11-22T05:00:00Z", ...more }] }], pageParams: [""] });

/** A browser with notifications, as the person has it set. */
function browser(permission: NotificationPermission, asked: NotificationPermission = permission) {
  const shown: { title: string; body: string | undefined }[] = [];
  class Fake {
    static permission = permission;
    static requestPermission = () => Promise.resolve((Fake.permission = asked));
    onclick = null;
    constructor(title: string, options?: NotificationOptions) {
      shown.push({ title, body: options?.body });
    }
    close() {}
  }
  vi.stubGlobal("Notification", Fake);
  vi.stubGlobal("isSecureContext", true);
  return shown;
}

describe("watching", () => {
  it("tells once of an answer that was seen running and ended, with its time", () => {
    const client = new QueryClient();
    const ended: number[] = [];
    const stop = watchAnswers(client, (ms) => ended.push(ms));
    client.setQueryData(["messages", "c0"], answer("complete", { id: "old", finishedAt: "2026-11-22T06:00:00Z" }));
    client.setQueryData(["messages", "c1"], answer("running"));
    client.setQueryData(["messages", "c1"], answer("running"));
    client.setQueryData(["messages", "c1"], answer("complete", { finishedAt: "2026-11-22T05:00:12Z" }));
    client.setQueryData(["messages", "c1"], answer("complete", { finishedAt: "2026-11-22T05:00:12Z" }));
    expect(ended).toEqual([12_000]);
    stop();
  });
});

describe("telling", () => {
  it("asks the browser only when turned on, and respects a no", async () => {
    browser("default", "denied");
    expect(noticeState()).toBe("off");
    expect(await setNotice(true)).toBe("denied");
  });

  it("says that an answer is done and nothing else", async () => {
    const shown = browser("default", "granted");
    notify("done");
    expect(shown).toEqual([]);
    expect(await setNotice(true)).toBe("on");
    notify("done");
    expect(shown).toEqual([{ title: "Kakoi", body: "done" }]);
    expect(await setNotice(false)).toBe("off");
    notify("done");
    expect(shown).toHaveLength(1);
  });

  it("marks the title while nobody looks, also when it changes, and takes the mark off", async () => {
    document.title = "会話 | Kakoi";
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    markTitle();
    expect(document.title).toBe("● 会話 | Kakoi");
    document.title = "新しい題 | Kakoi";
    await vi.waitFor(() => expect(document.title).toBe("● 新しい題 | Kakoi"));
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(document.title).toBe("新しい題 | Kakoi");
  });
});
