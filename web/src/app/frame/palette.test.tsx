import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { conversation, FakeApi, now } from "@/features/chat/testing";
import { Palette } from "./palette";
import { closePalette } from "./palette-state";

configure({ asyncUtilTimeout: 10_000 }); // every key draws the list anew, on a machine that may be busy
afterEach(() => {
  closePalette();
  vi.unstubAllGlobals();
});

/** A person with two conversations, a prompt, and what a search finds. */
function house() {
  const api = new FakeApi();
  api.list = [conversation("c1", { title: "予算の相談" }), conversation("c2", { title: "防災訓練の案内" })];
  api.on("GET /search", () => ({
    items: [{ conversationId: "c9", messageId: "m9", title: "去年の会話", snippet: [{ text: "来年度の", match: false }, { text: "予算", match: true }], at: now }],
  }));
  api.on("GET /prompts", () => ({ items: [{ id: "p1", name: "予算要求の下書き", kind: "message" }] }));
  api.on("GET /prompt-categories", () => ({ items: [] }));
  return api;
}

/** Shows the palette, opened by its key, over empty pages. */
async function open(api = house()) {
  vi.stubGlobal("fetch", api.fetch);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(["me"], api.me);
  const root = createRootRoute({ component: Palette });
  const paths = ["/", "/c/$conversationId", "/history", "/prompts", "/search", "/settings", "/shared", "/temporary"];
  const routes = paths.map((path) => createRoute({ getParentRoute: () => root, path }));
  const router = createRouter({ routeTree: root.addChildren(routes), history: createMemoryHistory({ initialEntries: ["/history"] }) });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  await waitFor(() => expect(router.state.status).toBe("idle"));
  const user = userEvent.setup();
  await user.keyboard("{Control>}k{/Control}");
  const box = await screen.findByRole<HTMLInputElement>("searchbox");
  await screen.findByRole("option", { name: /予算の相談/ });
  const at = () => router.state.location.pathname + (router.state.location.hash && `#${router.state.location.hash}`);
  return { user, box, at, router, api };
}

const options = () => screen.getAllByRole("option").map((option) => option.textContent);
/** The option that Enter would choose: the focus stays in the box. */
const chosen = (box: HTMLElement) => document.getElementById(box.getAttribute("aria-activedescendant") ?? "none")?.textContent;

/** Waits until everything asked for is there: then the list stands still. */
const settled = (count: number) => waitFor(() => expect(screen.getByRole("status").textContent).toBe(`${count}件を表示しています`));

test("Ctrl K finds conversations, prompts and what was said, each under its heading, and tells how many", async () => {
  const { user, box } = await open();
  expect(options()).toContain("すべての会話");
  await user.type(box, "予算");
  const said = await screen.findByRole("option", { name: /来年度の ?予算/ });
  expect(within(said).getByText("予算").tagName).toBe("MARK");
  expect(within(screen.getByRole("group", { name: "プロンプト" })).getByRole("option", { name: /予算要求の下書き/ })).toBeTruthy();
  expect(screen.queryByRole("option", { name: /防災訓練/ })).toBeNull();
  await settled(3);
});

test("settings are found by what can be done there", async () => {
  const api = house().on("GET /prompts", () => ({ items: [] })).on("GET /search", () => ({ items: [] }));
  const { user, box, at } = await open(api);
  await user.type(box, "送信のしかた");
  await settled(1);
  await waitFor(() => expect(chosen(box)).toContain("設定"));
  await user.keyboard("{Enter}");
  await waitFor(() => expect(at()).toBe("/settings#conversation"));
});

test("the arrows move through what was found, Enter goes there, and Escape closes", async () => {
  const { user, box, at } = await open();
  await user.type(box, "予算");
  await settled(3);
  await waitFor(() => expect(chosen(box)).toContain("予算の相談")); // the first is ready at once
  await user.keyboard("{ArrowDown}");
  await waitFor(() => expect(chosen(box)).toContain("予算要求の下書き"));
  await user.keyboard("{ArrowDown}");
  await waitFor(() => expect(chosen(box)).toMatch(/来年度の ?予算/));
  await user.keyboard("{ArrowUp}");
  await waitFor(() => expect(chosen(box)).toContain("予算要求の下書き"));
  await user.keyboard("{ArrowUp}");
  await waitFor(() => expect(chosen(box)).toContain("予算の相談"));
  await user.keyboard("{Enter}");
  await waitFor(() => expect(at()).toBe("/c/c1"));
  expect(screen.queryByRole("searchbox")).toBeNull();

  await user.keyboard("{Control>}k{/Control}");
  await screen.findByRole("searchbox");
  await user.keyboard("{Escape}{Escape}"); // the words, then the palette
  await waitFor(() => expect(screen.queryByRole("searchbox")).toBeNull());
  expect(at()).toBe("/c/c1");
});

test("while kana are converted, Enter and Escape are the input method's, and nothing is asked for", async () => {
  const { user, box, at, api } = await open();
  await user.type(box, "予");
  await settled(3);
  await waitFor(() => expect(chosen(box)).toContain("予算の相談"));
  expect(api.calledWith("GET /search")).toHaveLength(1);
  fireEvent.compositionStart(box);
  fireEvent.input(box, { target: { value: "予算" } });
  for (const key of ["Enter", "Escape"]) for (const how of [{ isComposing: true }, { keyCode: 229 }]) fireEvent.keyDown(box, { key, ...how });
  await new Promise((resolve) => setTimeout(resolve, 400)); // longer than the pause before a search
  expect(at()).toBe("/history");
  expect(screen.getByRole<HTMLInputElement>("searchbox").value).toBe("予算");
  expect(api.calledWith("GET /search")).toHaveLength(1);

  fireEvent.compositionEnd(box);
  await waitFor(() => expect(api.calledWith("GET /search")).toHaveLength(2));
  await settled(3);
  await user.keyboard("{Enter}");
  await waitFor(() => expect(at()).toBe("/c/c1"));
});
