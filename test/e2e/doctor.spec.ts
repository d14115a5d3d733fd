import { call } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { ja } from "./words";

/** What servers and the test itself say, in no language. */
const data = [/^127\.0\.0\.1/, /^fake-/, /^(N|C|K|Ctrl)$/, /^\//, /^\d/, /^[A-Z]{3,4} [+-]\d/, /:443/];

test("the doctor tells each step as it comes, and cause and remedy of what fails", async ({ workplace, page, fakes }) => {
  test.setTimeout(60_000);
  const broken = await call(page.request, workplace, "POST", "/admin/connections", {
    name: "止まったサーバー", kind: "openai", enabled: true, settings: { baseUrl: "http://127.0.0.1:9/v1" },
  });
  const main = page.getByRole("main"); // what is announced stands outside of it once more
  await page.goto(`${workplace.url}/admin/status`);
  await page.getByRole("link", { name: ja("admin.status.examine") }).click();
  await expect(page.getByText(ja("doctor.empty"))).toBeVisible();

  await test.step("everything: what works passes, what does not says why", async () => {
    await page.getByRole("button", { name: ja("doctor.run"), exact: true }).click();
    await expect(main.getByText(ja("doctor.someFail"), { exact: true })).toBeVisible({ timeout: 30_000 });
    for (const heading of [ja("doctor.group.server"), ja("doctor.group.closed"), ja("doctor.group.connection", { name: "止まったサーバー" })]) {
      await expect(page.getByRole("heading", { name: heading })).toBeVisible();
    }
    const refused = page.getByRole("listitem").filter({ hasText: ja("doctor.code.connect_refused.cause") });
    await expect(refused).toContainText(ja("doctor.code.connect_refused.remedy"));
    await main.getByRole("button", { name: ja("doctor.code.connect_refused.what", { host: "127.0.0.1" }) }).click();
    await expect(refused).toBeInViewport();
    await expect(refused).toContainText(ja("doctor.status.failed"));
    await expect(page.getByRole("listitem").filter({ hasText: ja("doctor.step.forbidden") })).toContainText(ja("doctor.status.ok"));
    await expect(page.getByText(ja("doctor.code.outside_not_asked.what"))).toBeVisible();
    await new Inspector(page, "ja", data).look("an examination");
  });

  await test.step("it is copied for support, without secrets", async () => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: new RegExp(ja("doctor.copyJson")) }).click();
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as { version: number; summary: { failed: number }; steps: { code?: string }[] };
    expect(copied.version).toBe(1);
    expect(copied.summary.failed).toBe(1);
    expect(copied.steps.map((s) => s.code)).toContain("connect_refused");
  });

  await test.step("one connection alone, mended, passes", async () => {
    await call(page.request, workplace, "PATCH", `/admin/connections/${broken.id}`, { settings: { baseUrl: fakes.openai } });
    await page.goto(`${workplace.url}/admin/doctor?connection=${broken.id}`);
    await page.getByText(ja("doctor.quick")).click();
    await page.getByRole("button", { name: ja("doctor.run"), exact: true }).click();
    await expect(main.getByText(ja("doctor.allWell"), { exact: true })).toBeVisible({ timeout: 20_000 });
    await expect(page.getByText(ja("doctor.code.skipped_quick.what"))).toBeVisible();
    await expect(page.getByRole("heading", { name: ja("doctor.group.server") })).toHaveCount(0);
  });

  await test.step("a connection that breaks is told", async () => {
    await page.route("**/api/v1/admin/doctor", (route) => route.fulfill({ status: 200, contentType: "text/event-stream", body: 'data: {"type":"step","step":{"group":"server","name":"store","status":"ok","params":{},"facts":[],"elapsedMs":1}}\n\n' }));
    await page.getByRole("button", { name: ja("doctor.run"), exact: true }).click();
    await expect(main.getByText(ja("doctor.cut"), { exact: true })).toBeVisible();
    await page.unroute("**/api/v1/admin/doctor");
  });
});

test("nobody but administrators examines", async ({ workplace, visit, page }) => {
  const made = await call(page.request, workplace, "POST", "/admin/accounts", { name: "佐藤 次郎", email: "sato@example.jp" });
  const { request } = await visit();
  await call(request, workplace, "POST", "/sign-in", { email: "sato@example.jp", password: made.temporaryPassword });
  await call(request, workplace, "POST", "/me/password", { current: made.temporaryPassword, new: "another horse battery" });
  const answer = await request.post(`${workplace.url}/api/v1/admin/doctor`, { data: {}, headers: { origin: workplace.url } });
  expect(answer.status()).toBe(403);
  expect((await answer.json()).code).toBe("forbidden");
});
