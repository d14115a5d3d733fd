import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { configure, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { answered, chained, FakeApi, now, said } from "@/features/chat/testing";
import { SharedPage } from "./shared-page";

configure({ asyncUtilTimeout: 5000 });

/** Shows a shared conversation whose last answer ended so. */
function show(end: Parameters<typeof answered>[2], text = "", mine = false) {
  const api = new FakeApi();
  api.on("GET /shares/s1/messages", () => ({
    share: { id: "s1", title: "補助金の相談", ownerName: "佐藤 次郎", mine, live: true, everyone: true, viewers: 0, withSystemPrompt: false, createdAt: now, updatedAt: now },
    items: chained([said("q1", "案をください"), answered("a1", text, end)]),
  }));
  vi.stubGlobal("fetch", api.fetch);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(["me"], api.me);
  const root = createRootRoute();
  const workplace = createRoute({ getParentRoute: () => root, id: "workplace" });
  const shared = createRoute({ getParentRoute: () => workplace, path: "/shared/$shareId", component: SharedPage });
  const router = createRouter({ routeTree: root.addChildren([workplace.addChildren([shared])]), history: createMemoryHistory({ initialEntries: ["/shared/s1"] }) });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
}

const failed = { status: "failed", error: { code: "model_failed", detail: "upstream said 502" } } as const;

test.each([["another's", false], ["one's own, as others see it", true]])("who reads what is shared (%s) sees that an answer failed, not what its owner could do", async (_whose, mine) => {
  show(failed, "", mine);
  await screen.findByText("モデルが回答できませんでした");
  expect(screen.queryByText(/もう一度|問い合わせ番号|502/)).toBeNull();
  expect(screen.queryByRole("button", { name: /もう一度|続き/ })).toBeNull();
});

test("nor what they could do when it was interrupted, or said nothing", async () => {
  show({ status: "interrupted" }, "ここまで");
  await screen.findByText("サーバーが止まり、回答が途中で終わりました");
  expect(screen.queryByText(/続きから|残っています/)).toBeNull();
});

test("an answer without words is told as one", async () => {
  show({ status: "complete" });
  await screen.findByText("モデルは何も答えずに終わりました。");
});
