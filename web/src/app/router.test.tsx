import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Me } from "@/lib/api/types";
import { newQueryClient } from "@/lib/query-client";
import { newRouter } from "./router";

const me: Me = {
  account: { id: "a-1", email: "saeki@midorino.example", name: "佐伯 由美子", roles: [], permissions: [], withheld: [], mustChangePassword: false },
  pending: [],
  secondFactor: { requirement: "optional", enrolled: false },
  preferences: { locale: "", theme: "system", sendKey: "enter", defaultModelId: "", defaultPromptId: "", density: "comfortable", calendar: "western" },
  version: "0.1.0",
};

/** The server: a path's answer, or its problem. */
let answers: Record<string, (request: Request) => Response>;

const problem = (status: number, code: string) => () => new Response(JSON.stringify({ code, status }), { status, headers: { "Content-Type": "application/problem+json" } });
const json = (body: unknown) => () => Response.json(body);

beforeEach(() => {
  answers = {
    "GET /me": json(me),
    "GET /setup": json({ needed: false }),
    "GET /models": json({ items: [] }),
    "GET /conversations": json({ items: [] }),
    "GET /me/sessions": json({ items: [] }),
  };
  vi.stubGlobal("fetch", (request: Request) => {
    const path = new URL(request.url).pathname.replace("/api/v1", "");
    return Promise.resolve((answers[`${request.method} ${path}`] ?? problem(404, "not_found"))(request));
  });
  vi.stubGlobal("EventSource", undefined);
});
afterEach(() => vi.unstubAllGlobals());

function open(address: string) {
  const client = newQueryClient();
  const history = createMemoryHistory({ initialEntries: [address] });
  const router = newRouter(client, history);
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  return history;
}

test("someone who is not signed in comes to the sign-in page and back to where they wanted to go", async () => {
  answers["GET /me"] = problem(401, "unauthenticated");
  const history = open("/settings?x=1");
  await screen.findByRole("heading", { level: 1, name: "サインイン" });
  expect(history.location.href).toBe(`/sign-in?from=${encodeURIComponent("/settings?x=1")}`);

  answers["POST /sign-in"] = json(me);
  answers["GET /me"] = json(me);
  await userEvent.type(screen.getByLabelText("メールアドレス"), "saeki@midorino.example");
  await userEvent.type(screen.getByLabelText("パスワード"), "nagai himitsu no bun{Enter}");
  await screen.findByRole("heading", { level: 1, name: "設定" });
  expect(history.location.href).toBe("/settings?x=1");
});

test.each(["//evil.example/", "https://evil.example/", "/\\evil.example"])("signing in never leads away to %s", async (from) => {
  answers["GET /me"] = problem(401, "unauthenticated");
  const history = open(`/sign-in?from=${encodeURIComponent(from)}`);
  await userEvent.type(await screen.findByLabelText("メールアドレス"), "saeki@midorino.example");
  answers["POST /sign-in"] = json(me);
  answers["GET /me"] = json(me);
  await userEvent.type(screen.getByLabelText("パスワード"), "nagai himitsu no bun{Enter}");
  await waitFor(() => expect(history.location.pathname).toBe("/"));
});

test("a wrong password says so, keeps the address typed, and asks for nothing else", async () => {
  answers["GET /me"] = problem(401, "unauthenticated");
  answers["POST /sign-in"] = problem(401, "sign_in_failed");
  open("/sign-in");
  await userEvent.type(await screen.findByLabelText("メールアドレス"), "saeki@midorino.example");
  await userEvent.type(screen.getByLabelText("パスワード"), "chigau{Enter}");
  expect((await screen.findByRole("alert")).textContent).toContain("サインインできませんでした");
  expect(screen.getByLabelText("メールアドレス")).toHaveProperty("value", "saeki@midorino.example");
});

test.each([
  ["a link that works leads to the form", { needed: true, linkValid: true }, "token=abc", "管理者を作って始める"],
  ["a link that is expired or replaced says so at once", { needed: true, linkValid: false }, "token=abc", "この初期設定のリンクは使えません"],
  ["a link that was used leads to the way in", { needed: false, linkValid: false }, "token=abc", "初期設定は済んでいます"],
  ["an address without a link says where to find one", { needed: true }, "", "初期設定のリンクから開いてください"],
])("%s", async (_what, state, hash, words) => {
  answers["GET /me"] = problem(401, "unauthenticated");
  answers["GET /setup"] = (request) => Response.json(request.headers.get("X-Kakoi-Setup-Token") === (hash ? "abc" : null) ? state : {});
  window.location.hash = hash;
  open("/setup");
  expect(await screen.findByText(words)).toBeTruthy();
  expect(window.location.hash).toBe("");
});

test("a temporary password is replaced before anything else", async () => {
  answers["GET /me"] = json({ ...me, account: { ...me.account, mustChangePassword: true }, pending: ["password_change"] });
  const history = open("/settings");
  await screen.findByRole("heading", { level: 1, name: "パスワードの変更" });
  expect(history.location.pathname).toBe("/password");
});

test("administration tells others who can let them in", async () => {
  open("/admin/accounts");
  await screen.findByRole("heading", { level: 1, name: "この画面は管理者だけが開けます" });
});

test("an address that leads nowhere says so", async () => {
  open("/nowhere");
  await screen.findByRole("heading", { level: 1, name: "このページはありません" });
});

test("a session that ends under a page is taken up again without leaving it", async () => {
  open("/settings");
  const name = await screen.findByLabelText("氏名");
  await userEvent.clear(name);
  await userEvent.type(name, "佐伯 ゆみこ");
  answers["PATCH /me"] = problem(401, "unauthenticated");
  await userEvent.click(screen.getByRole("button", { name: "変更する" }));
  const dialog = await screen.findByRole("dialog", { name: "サインインの期限が切れました" });

  answers["POST /sign-in"] = json(me);
  await userEvent.type(screen.getAllByLabelText("パスワード").find((e) => dialog.contains(e)) ?? name, "nagai himitsu no bun{Enter}");
  await waitFor(() => expect(screen.queryByRole("dialog", { name: "サインインの期限が切れました" })).toBeNull());
  expect(screen.getByLabelText("氏名")).toHaveProperty("value", "佐伯 ゆみこ");
});

test("what is wrong with a new password is said before it is sent", async () => {
  const sent = vi.fn();
  answers["POST /me/password"] = () => {
    sent();
    return Response.json({});
  };
  open("/settings");
  await userEvent.type(await screen.findByLabelText("今のパスワード"), "furui himitsu no bun");
  await userEvent.type(screen.getByLabelText("新しいパスワード"), "mijikai{Enter}");
  expect(await screen.findByText("12文字以上にしてください（今は7文字）")).toBeTruthy();
  expect(sent).not.toHaveBeenCalled();
});

test("settings change at once and come back when the server refuses", async () => {
  answers["PATCH /me/preferences"] = problem(500, "internal");
  open("/settings");
  await userEvent.click(await screen.findByRole("radio", { name: "暗い" }));
  await waitFor(() => expect(screen.getByRole("radio", { name: "端末に合わせる" })).toHaveProperty("checked", true));
  expect(document.documentElement.dataset.theme).toBeUndefined();
});
