import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider, createMemoryHistory, createRootRoute, createRouter } from "@tanstack/react-router";
import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useRef, useState } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeApi, Problem, now } from "@/features/chat/testing";
import type { Prompt, PromptSummary } from "./api";
import { PromptDialog } from "./prompt-dialog";
import { offered, slashQuery, useSlash } from "./slash";

const summary = (id: string, name: string, command?: string): PromptSummary => ({
  id, name, command, kind: "message", official: false, mine: true, editable: true, locale: "any", visibility: "private",
  hidden: false, archived: false, version: 1, uses: 0, myUses: 0, createdAt: now, updatedAt: now,
});
const prompt = (id: string, name: string, body: string, variables: Prompt["variables"] = []): Prompt => ({ ...summary(id, name), body, variables });

beforeEach(() => {
  Element.prototype.scrollIntoView ??= () => undefined;
});
afterEach(() => vi.unstubAllGlobals());

function show(api: FakeApi, page: () => React.ReactNode) {
  vi.stubGlobal("fetch", api.fetch);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(["me"], api.me);
  const root = createRootRoute({ component: page });
  const router = createRouter({ routeTree: root, history: createMemoryHistory() });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
}

describe("slash", () => {
  it("begins at the very beginning, in either width, and ends with a space", () => {
    expect(["/", "／督促", "/memo", "a/", "/memo x", "/a\n", ""].map(slashQuery)).toEqual(["", "督促", "memo", undefined, undefined, undefined, undefined]);
  });

  it("finds by name and command, commands first", () => {
    const all = [summary("1", "memo について"), summary("2", "覚え書き", "memo"), summary("3", "督促状")];
    expect(offered(all, "memo").map((p) => p.id)).toEqual(["2", "1"]);
    expect(offered(all, "ﾄｸｿｸ").map((p) => p.id)).toEqual([]);
    expect(offered(all, "").map((p) => p.id)).toEqual(["1", "2", "3"]);
  });

  function Field({ onSend }: { onSend: () => void }) {
    const [text, setText] = useState("");
    const field = useRef<HTMLTextAreaElement>(null);
    const box = useRef<HTMLDivElement>(null);
    const slash = useSlash(text, setText, field, box);
    return (
      <div ref={box}>
        <textarea ref={field} aria-label="words" value={text} {...slash.fieldProps} onChange={(e) => setText(e.target.value)} onKeyDown={(e) => !slash.onKeyDown(e) && e.key === "Enter" && !e.nativeEvent.isComposing && onSend()} />
        {slash.menu}
      </div>
    );
  }

  it("chooses by Enter without sending, asks for variables, and puts what the server wrote into the field", async () => {
    const send = vi.fn();
    const api = new FakeApi()
      .on("GET /prompts", () => ({ items: [summary("p1", "督促状", "督促"), summary("p2", "挨拶文")] }))
      .on("GET /prompt-categories", () => ({ items: [] }))
      .on("GET /prompts/p1", () => prompt("p1", "督促状", "{{宛先}}様", [{ name: "宛先", type: "text" }]))
      .on("POST /prompts/p1/render", ({ body }) => ({ text: `${(body.values as Record<string, string>)["宛先"]}様`, missing: [] }));
    show(api, () => <Field onSend={send} />);
    const box = await screen.findByRole<HTMLTextAreaElement>("textbox", { name: "words" });
    act(() => box.focus());
    fireEvent.change(box, { target: { value: "／" } });
    expect(await screen.findAllByRole("option")).toHaveLength(2);
    fireEvent.change(box, { target: { value: "／督促" } });
    await waitFor(() => expect(screen.getAllByRole("option")).toHaveLength(1));
    expect(box.getAttribute("aria-activedescendant")).toBe(screen.getByRole("option").id);

    fireEvent.keyDown(box, { key: "Enter", isComposing: true }); // the input method's
    fireEvent.keyDown(box, { key: "Enter", keyCode: 229, isComposing: true });
    expect(api.calledWith("GET /prompts/p1")).toHaveLength(0);

    fireEvent.keyDown(box, { key: "Enter" });
    const asked = await screen.findByRole("textbox", { name: /宛先/ });
    fireEvent.click(screen.getByRole("button", { name: "入力欄に入れる" }));
    expect(await screen.findByText("入力してください")).toBeTruthy(); // told what is missing
    expect(api.calledWith("POST /prompts/p1/render")).toHaveLength(0);
    fireEvent.change(asked, { target: { value: "緑野町" } });
    fireEvent.click(screen.getByRole("button", { name: "入力欄に入れる" }));
    await waitFor(() => expect(box.value).toBe("緑野町様"));
    expect(send).not.toHaveBeenCalled();
  });

  it("closes on Escape and leaves Enter to the field then", async () => {
    const send = vi.fn();
    const api = new FakeApi().on("GET /prompts", () => ({ items: [summary("p1", "督促状")] })).on("GET /prompt-categories", () => ({ items: [] }));
    show(api, () => <Field onSend={send} />);
    const box = await screen.findByRole<HTMLTextAreaElement>("textbox", { name: "words" });
    act(() => box.focus());
    fireEvent.change(box, { target: { value: "/" } });
    await screen.findByRole("option");
    fireEvent.keyDown(box, { key: "Escape" });
    await waitFor(() => expect(screen.queryByRole("option")).toBeNull());
    fireEvent.keyDown(box, { key: "Enter" });
    expect(send).toHaveBeenCalledOnce();
  });
});

describe("editing", () => {
  const api = () =>
    new FakeApi()
      .on("GET /prompt-categories", () => ({ items: [] }))
      .on("GET /me/groups", () => ({ items: [] }))
      .on("POST /prompts/preview", ({ body }) => ({ text: String(body.body), missing: ["宛先"], variables: [{ name: "宛先", type: "long" }] }));

  it("says kindly that there is a newer version, shows it, and saves upon it", async () => {
    const fake = api();
    let version = 1;
    fake.on("PATCH /prompts/p1", ({ body }) => (body.baseVersion === version ? { ...prompt("p1", "督促状", String(body.body)), version: 3 } : new Problem(409, "conflict")));
    fake.on("GET /prompts/p1", () => ({ ...prompt("p1", "督促状", "別の窓の本文"), version: 2 }));
    const saved = vi.fn();
    show(fake, () => <PromptDialog prompt={prompt("p1", "督促状", "古い本文")} onClose={() => undefined} onSaved={saved} />);
    fireEvent.change(await screen.findByRole("textbox", { name: "本文" }), { target: { value: "新しい本文" } });
    version = 2;
    fireEvent.click(screen.getByRole("button", { name: "保存する" }));
    expect(await screen.findByText("編集している間に、新しい版ができました")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "新しい版を見る" }));
    expect(await screen.findByText("別の窓の本文")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "保存する" }));
    await waitFor(() => expect(saved).toHaveBeenCalled());
    expect(fake.calledWith("PATCH /prompts/p1").map((c) => c.body.baseVersion)).toEqual([1, 2]);
  });

  it("shows what the text asks for while it is written, and sends no body that did not change", async () => {
    const fake = api().on("PATCH /prompts/p1", () => prompt("p1", "督促状（改）", "{{宛先:long}}"));
    show(fake, () => <PromptDialog prompt={prompt("p1", "督促状", "{{宛先:long}}")} onClose={() => undefined} />);
    expect(await screen.findByText("長い文")).toBeTruthy();
    fireEvent.change(screen.getByRole("textbox", { name: "名前" }), { target: { value: "督促状（改）" } });
    fireEvent.click(screen.getByRole("button", { name: "保存する" }));
    await waitFor(() => expect(fake.calledWith("PATCH /prompts/p1")).toHaveLength(1));
    expect(fake.calledWith("PATCH /prompts/p1")[0]?.body).not.toHaveProperty("body");
  });
});
