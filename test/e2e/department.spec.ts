import { call, memberPassword, setUp } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { type Key, ja } from "./words";

// Whoever looks after one department manages it in the console, and nothing
// else: the other departments are not there for them.

test("a department administrator manages their own department", async ({ server, page, visit }) => {
  test.setTimeout(90_000);
  const root = await visit();
  await setUp(server, root.request);
  const unit = (code: string, name: string, parentId?: string): Promise<{ id: string }> => call(root.request, server, "POST", "/admin/units", { code, name, parentId });
  const tax = await unit("10", "税務部");
  const collection = await unit("1010", "収納課", tax.id);
  const welfare = await unit("20", "福祉部");
  const account = (name: string, email: string, unitId: string, roles: unknown[] = []) =>
    call(root.request, server, "POST", "/admin/accounts", { name, email, posts: [{ unitId, main: true }], roles });
  const head = await account("税務 一郎", "head@example.jp", tax.id, [{ roleId: "department_administrator", unitId: tax.id }]);
  await account("収納 花子", "hanako@example.jp", collection.id);
  await account("福祉 次郎", "jiro@example.jp", welfare.id);
  await call(page.request, server, "POST", "/sign-in", { email: "head@example.jp", password: head.temporaryPassword });
  await call(page.request, server, "POST", "/me/password", { current: head.temporaryPassword, new: memberPassword });

  const eye = new Inspector(page, "ja", [/^\d+$/, /@example\.jp/]);
  const button = (key: Key, values = {}) => page.getByRole("button", { name: ja(key, values), exact: true });
  const dialog = page.getByRole("dialog").filter({ has: page.getByRole("heading") });

  await page.goto(`${server.url}/admin`);
  await expect(page).toHaveURL(/\/admin\/accounts$/);
  await expect(page.getByRole("navigation", { name: ja("frame.adminNav") }).getByRole("link")).toHaveText([ja("frame.backToKakoi"), ja("frame.accounts"), ja("frame.organisation"), ja("frame.groups"), ja("frame.roles")]);
  await expect(page.getByRole("row", { name: "収納 花子" })).toBeVisible();
  await expect(page.getByRole("row")).toHaveCount(3); // with the head row
  await eye.look("the accounts of one department");

  // A new colleague: a unit of the department is offered, no other one.
  await button("admin.accounts.add").click();
  await dialog.getByLabel(ja("admin.accounts.name"), { exact: true }).fill("新人 三郎");
  await dialog.getByLabel(ja("admin.accounts.email")).fill("saburo@example.jp");
  await dialog.getByRole("button", { name: ja("people.units.one") }).click();
  await expect(page.getByRole("option")).toHaveCount(2);
  await eye.look("choosing a unit");
  await page.keyboard.type("収納");
  await expect(page.getByRole("option")).toHaveCount(1);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(dialog.getByRole("button", { name: "税務部 › 収納課" })).toBeVisible();
  await eye.look("a new account with its post");
  await button("admin.accounts.addAct").click();
  await button("admin.accounts.passwordDone").click();
  await expect(page.getByRole("row", { name: "新人 三郎" })).toBeVisible();

  // Many at once, of whom oneself stays.
  await page.getByRole("row").first().locator("label").click();
  await page.getByRole("region", { name: ja("admin.accounts.bulk") }).getByRole("button", { name: ja("admin.accounts.disable"), exact: true }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: ja("admin.accounts.disable"), exact: true }).click();
  await expect(dialog.getByText(ja("errors.conflict.reasons.yourself.what"))).toBeVisible();
  await eye.look("what an act on many failed for");
  await dialog.getByRole("button", { name: ja("ui.close"), exact: true }).last().click();
  await expect(page.getByRole("row", { name: "新人 三郎" })).toContainText(ja("admin.accounts.disabled"));
  await expect(page.getByRole("row", { name: "税務 一郎" })).toContainText(ja("admin.accounts.active"));

  // The organisation by the keyboard alone: the department, and a change planned for April.
  await page.goto(`${server.url}/admin/organisation`);
  const tree = page.getByRole("tree");
  await expect(tree.getByRole("treeitem")).toHaveCount(2);
  await tree.getByRole("treeitem").first().focus();
  await page.keyboard.press("ArrowDown");
  await expect(tree.getByRole("treeitem", { name: "収納課" })).toBeFocused();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await expect(tree.getByRole("treeitem")).toHaveCount(1);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "収納課" })).toBeVisible();
  await eye.look("a unit of the department");
  await button("people.units.edit").click();
  await dialog.getByLabel(ja("people.units.name")).fill("収納管理課");
  await dialog.getByLabel(ja("people.units.from")).fill("2199-04-01");
  await button("common.save").click();
  await expect(tree.getByRole("treeitem", { name: "収納課" })).toContainText("収納管理課");
  await eye.look("what is planned");

  // The rest is not theirs: neither shown nor to be had by its address.
  await page.getByText(ja("people.units.whole")).click();
  await tree.getByRole("treeitem", { name: "福祉部" }).click();
  await expect(page.getByText(ja("people.units.mayNot"))).toBeVisible();
  await expect(button("people.units.edit")).toHaveCount(0);
  await page.goto(`${server.url}/admin/models`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(ja("people.notOpen"));
  await eye.look("a page that is not open");
  await page.goto(`${server.url}/admin/roles`);
  await expect(page.getByRole("button", { name: ja("people.role.auditor") })).toBeVisible();
  await expect(button("people.roles.add")).toHaveCount(0);
  await eye.look("the roles, to be read");
});
