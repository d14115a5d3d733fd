import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { act, configure, render, renderHook, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ConversationSummary } from "@/features/chat/api";
import { conversation, FakeApi, Problem, show } from "@/features/chat/testing";
import { applyEra } from "@/lib/appearance";
import { changeLocale } from "@/lib/i18n";
import { useOrganise } from "./acts";
import { ConversationTable } from "./conversation-table";
import { fileNameOf } from "./download";
import { useGroups } from "./groups";
import { useRowWindow } from "./row-window";
import { useMore } from "./use-more";
import { useStored } from "./use-stored";

configure({ asyncUtilTimeout: 5000 }); // the first test of a page loads it

function summary(id: string, updatedAt: string, more: Partial<ConversationSummary> = {}): ConversationSummary {
  return { id, title: `会話 ${id}`, titleSource: "model", modelId: "m1", createdAt: updatedAt, updatedAt, running: false, tags: [], pinned: false, archived: false, ...more };
}

describe("the groups of the history", () => {
  beforeEach(() => vi.useFakeTimers({ now: new Date(2026, 10, 22, 9, 0), toFake: ["Date"] }));
  afterEach(async () => {
    vi.useRealTimers();
    applyEra(false);
    await act(() => changeLocale("ja"));
  });
  const at = (...day: [number, number, number, number?]) => new Date(...day).toISOString();
  const items = [
    summary("pin", at(2025, 0, 1), { pinned: true }),
    summary("now", at(2026, 10, 22, 8)),
    summary("late", at(2026, 10, 21, 23)),
    summary("week", at(2026, 10, 15)),
    summary("month", at(2026, 10, 14)),
    summary("old", at(2025, 2, 3)),
    summary("now", at(2026, 10, 22, 8)),
  ];
  const groups = () => renderHook(() => useGroups(items)).result.current.map((group) => [group.title, ...group.items.map((item) => item.id)]);

  test("are what is pinned, then days, then months; what came on two pages stands once", () => {
    expect(groups()).toEqual([["ピン留め", "pin"], ["今日", "now"], ["昨日", "late"], ["過去7日", "week"], ["2026年11月", "month"], ["2025年3月", "old"]]);
  });

  test("name the months in the years of the era when they are wanted", () => {
    applyEra(true);
    expect(groups().slice(-2).map(([title]) => title)).toEqual(["令和8年11月", "令和7年3月"]);
  });

  test("have no years of an era in English", async () => {
    applyEra(true);
    await act(() => changeLocale("en"));
    expect(groups().at(-1)?.[0]).toBe("March 2025");
  });
});

describe("the rows of a long list", () => {
  function scroller(clientHeight: number) {
    const element = document.createElement("div");
    Object.defineProperty(element, "clientHeight", { value: clientHeight });
    return element;
  }
  const scrolled = (element: HTMLElement, top: number) =>
    act(() => {
      element.scrollTop = top;
      element.dispatchEvent(new Event("scroll"));
    });

  test("are those seen and a few beside them; the others keep their room", () => {
    const element = scroller(440);
    const { result } = renderHook(() => useRowWindow(2000, 44, element));
    expect(result.current).toEqual({ first: 0, last: 40, before: 0, after: 1960 * 44 });
    scrolled(element, 44 * 1000);
    const { first, last, before, after } = result.current;
    expect(first).toBeLessThan(1000);
    expect(last).toBeGreaterThan(1010);
    expect(last - first).toBeLessThan(60);
    expect(before + (last - first) * 44 + after).toBe(2000 * 44);
  });

  test("are measured anew when they become closer", () => {
    const element = scroller(440);
    const { result, rerender } = renderHook(({ height }) => useRowWindow(2000, height, element), { initialProps: { height: 44 } });
    scrolled(element, 38 * 1000);
    rerender({ height: 38 });
    expect(result.current.first).toBe(1000 - 12);
    expect(result.current.before).toBe((1000 - 12) * 38);
  });

  test("show the last one when the list has become short", () => {
    const element = scroller(440);
    const { result, rerender } = renderHook(({ count }) => useRowWindow(count, 44, element), { initialProps: { count: 2000 } });
    scrolled(element, 44 * 1900);
    rerender({ count: 3 });
    expect(result.current).toMatchObject({ first: 2, last: 3, after: 0 });
  });
});

describe("the next page", () => {
  test("is asked for when its place comes near, and not while it may not be", () => {
    const watched: { near: () => void; element?: Element }[] = [];
    vi.stubGlobal(
      "IntersectionObserver",
      class {
        private readonly entry: (typeof watched)[number];
        constructor(tell: (entries: { isIntersecting: boolean }[]) => void) {
          this.entry = { near: () => tell([{ isIntersecting: true }]) };
        }
        observe(element: Element) {
          watched.push({ ...this.entry, element });
        }
        disconnect() {
          watched.length = 0;
        }
      },
    );
    const load = vi.fn(() => Promise.resolve());
    const { result, rerender } = renderHook(({ ready }) => useMore(ready, load), { initialProps: { ready: false } });
    const place = document.createElement("div");
    act(() => result.current(place));
    expect(watched).toEqual([]);
    rerender({ ready: true });
    expect(watched.map((one) => one.element)).toEqual([place]);
    watched[0]?.near();
    expect(load).toHaveBeenCalledOnce();
    rerender({ ready: false });
    expect(watched).toEqual([]);
  });
});

describe("an act on a conversation", () => {
  const a = summary("a", "2026-11-22T05:00:00Z");
  const b = summary("b", "2026-11-22T04:00:00Z");
  function acts(answer: () => unknown) {
    const api = new FakeApi().on("PATCH /conversations/a", answer).on("GET /folders", () => ({ items: [] })).on("GET /tags", () => ({ items: [] }));
    vi.stubGlobal("fetch", api.fetch);
    const client = new QueryClient({ defaultOptions: { queries: { retry: false, gcTime: Infinity } } });
    client.setQueryData(["conversations", "list"], { pages: [{ items: [a, b] }], pageParams: [""] });
    client.setQueryData(["conversations", "palette"], { items: [a, b] });
    const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
    const lists = () => [
      client.getQueryData<{ pages: { items: ConversationSummary[] }[] }>(["conversations", "list"])?.pages.flatMap((page) => page.items),
      client.getQueryData<{ items: ConversationSummary[] }>(["conversations", "palette"])?.items,
    ];
    return { api, lists, ...renderHook(useOrganise, { wrapper }) };
  }

  test("is seen in every list before the server has answered", async () => {
    let answered: (body: unknown) => void = () => undefined;
    const { api, lists, result } = acts(() => new Promise((resolve) => (answered = resolve)));
    const done = result.current.pin(a);
    await waitFor(() => expect(api.calledWith("PATCH /conversations/a").map((call) => call.body)).toEqual([{ pinned: true }]));
    for (const list of lists()) expect(list?.map((one) => one.pinned)).toEqual([true, false]);
    answered({});
    expect(await done).toBe(true);
  });

  test("that puts it away takes it out of every list", async () => {
    const { lists, result } = acts(() => ({}));
    await act(() => result.current.archive(a));
    for (const list of lists()) expect(list?.map((one) => one.id)).toEqual(["b"]);
  });

  test("that is refused is told", async () => {
    const { result } = acts(() => new Problem(409, "conflict"));
    expect(await result.current.change(a, { title: "別の名前" })).toBe(false);
  });
});

test("what is deleted comes back by undo, after the deletion has been answered", async () => {
  const user = userEvent.setup();
  const api = new FakeApi().conversation("a", []).conversation("b", []);
  api.list = [conversation("a"), conversation("b")];
  api.on("GET /folders", () => ({ items: [] }));
  let deleted: (body: unknown) => void = () => undefined;
  api.on("DELETE /conversations/a", () => new Promise((resolve) => (deleted = resolve)));
  api.on("POST /conversations/a/restore", () => ({}));
  const { router } = show(api, "/c/a");
  await user.click(await screen.findByRole("button", { name: "「会話 a」の操作" }));
  api.list = [conversation("b")];
  await user.click(await screen.findByRole("menuitem", { name: "削除する" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/")); // the open one is left
  expect(screen.queryByRole("link", { name: "会話 a" })).toBeNull();
  const said = (await screen.findByText("「会話 a」を削除しました")).closest<HTMLElement>("[role=alertdialog], [role=dialog], li, [data-rac]");
  await user.click(within(said ?? document.body).getByRole("button", { name: "元に戻す" }));
  expect(api.calledWith("POST /conversations/a/restore")).toEqual([]);
  deleted({});
  await waitFor(() => expect(api.calledWith("POST /conversations/a/restore")).toHaveLength(1));
});

/** Shows a table of conversations without folders. */
function showTable(rows: ConversationSummary[]) {
  const table = () => <ConversationTable rows={rows} folders={null} selected={new Set()} onSelect={vi.fn()} onTag={vi.fn()} onEnd={vi.fn()} />;
  const router = createRouter({ routeTree: createRootRoute({ component: table }), history: createMemoryHistory() });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
}

test("the room of rows that are far away takes no column", async () => {
  showTable(Array.from({ length: 200 }, (_, i) => summary(`c${i}`, "2026-11-22T00:00:00Z")));
  await screen.findByRole("link", { name: "会話 c0" });
  const columns = screen.getAllByRole("columnheader").length;
  for (const row of document.querySelectorAll("tr")) expect(Array.from(row.cells).reduce((n, cell) => n + cell.colSpan, 0)).toBeLessThanOrEqual(columns);
  expect(document.querySelectorAll("tr[aria-hidden]")).toHaveLength(1);
});

test("what is shared is marked in the list of conversations, with words", async () => {
  showTable([summary("a", "2026-11-22T00:00:00Z", { shared: true }), summary("b", "2026-11-22T00:00:00Z")]);
  expect(await screen.findByRole("link", { name: "会話 a 共有中" })).toBeTruthy();
  expect(screen.getByRole("link", { name: "会話 b" })).toBeTruthy();
  expect(screen.getAllByRole("img", { name: "共有中" })).toHaveLength(1);
});

test.each<[string, string | null, string | undefined]>([
  ["a Japanese name", "attachment; filename=\"x.docx\"; filename*=UTF-8''%E4%BC%9A%E8%AD%B0.docx", "会議.docx"],
  ["a plain name", 'attachment; filename="kakoi.zip"', "kakoi.zip"],
  ["one that is not well written", "attachment; filename=\"x.pdf\"; filename*=UTF-8''%E4", "x.pdf"],
  ["none", null, undefined],
])("a download has %s", (_what, header, name) => {
  expect(fileNameOf(header)).toBe(name);
});

test("what was folded stays folded on this browser", () => {
  const first = renderHook(() => useStored("kakoi.test", true));
  expect(first.result.current[0]).toBe(true);
  act(() => first.result.current[1](false));
  expect(first.result.current[0]).toBe(false);
  expect(renderHook(() => useStored("kakoi.test", true)).result.current[0]).toBe(false);
});
