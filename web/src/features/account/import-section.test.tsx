import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { configure, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { FakeApi } from "@/features/chat/testing";
import { ImportSection } from "./import-section";

configure({ asyncUtilTimeout: 5000 }); // the first test of a page loads it

/** Shows the section; imports says what becomes of a file. */
function show(api: FakeApi, imports: (dryRun: boolean) => Response = () => Response.json({})) {
  const sent = vi.fn(imports);
  vi.stubGlobal("fetch", (input: Request) => {
    const url = new URL(input.url);
    return url.pathname.endsWith("/imports") ? Promise.resolve(sent(url.searchParams.get("dryRun") === "true")) : api.fetch(input);
  });
  const router = createRouter({ routeTree: createRootRoute({ component: ImportSection }), history: createMemoryHistory() });
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  return sent;
}

const choose = async () => userEvent.upload(await screen.findByLabelText("ファイルを選ぶ", { selector: "input" }), new File(["{}"], "kakoi.json", { type: "application/json" }));

test("where no conversation is kept, that is said before a file is sent", async () => {
  const api = new FakeApi();
  api.limits.temporary = "enforced";
  show(api);
  await screen.findByText("この組織では、会話を取り込めません");
  expect(screen.queryByRole("button", { name: "ファイルを選ぶ" })).toBeNull();
});

test("and when it was decided meanwhile, the file is refused once", async () => {
  const api = new FakeApi();
  const sent = show(api, () => {
    api.limits.temporary = "enforced";
    return Response.json({ code: "temporary_policy" }, { status: 403 });
  });
  await choose();
  await screen.findByText("この組織では、会話を取り込めません");
  expect(screen.queryByRole("button", { name: "取り込む" })).toBeNull();
  expect(sent.mock.calls).toEqual([[true]]);
});

test.each(["invalid_input", "unsupported_type"])("a file that is no export is named, and what to choose instead: %s", async (code) => {
  show(new FakeApi(), () => Response.json({ code, detail: "The zip file is damaged." }, { status: 422 }));
  await choose();
  await screen.findByText("kakoi.json を取り込めません");
  expect(screen.getByText(/\.zip か \.json のファイルを/)).toBeTruthy();
});

test("everything of a person's brings back prompts and folders, and says which stay as they are", async () => {
  const none = { seen: 0, taken: 0, skipped: {} };
  const sent = show(new FakeApi(), (dryRun) =>
    Response.json({
      source: "kakoi", dryRun, merged: 0, omitted: {}, problems: [], messages: none, attachments: none,
      conversations: { seen: 3, taken: 0, skipped: { here: 3 } },
      prompts: { seen: 2, taken: 1, skipped: { name_taken: 1 } },
      folders: { seen: 1, taken: 0, skipped: { other_text: 1 } },
    }),
  );
  await choose();
  await screen.findByText("kakoi.json（Kakoi）に新しい会話はありませんが、ほかのものを取り込めます");
  expect(screen.getByText("同じ名前のプロンプトがあるので、今のものを残す: 1件")).toBeTruthy();
  expect(screen.getByText("同じ名前のフォルダーに別の指示があるので、今の指示を残す: 1件")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "取り込む" }));
  await screen.findByText("会話のほかのものを取り込みました");
  expect(sent.mock.calls).toEqual([[true], [false]]);
});
