import { addMember, admin, answers, ask, begun, call, composer, conversationId, ended, lastAnswer, memberPassword, signIn } from "./kakoi";
import { expect, test } from "./fixtures";
import { ja } from "./words";

const member = { name: "佐藤 次郎", email: "sato@example.jp" };

for (const engine of ["sqlite", "postgres"] as const) {
  test.describe(engine, () => {
    test.use({ engine });

    test("a disabled account is out at once, and so are its answers", async ({ workplace, page, fakes, visit }) => {
      const theirs = await visit();
      await addMember(workplace, page.request, theirs.request, member.name, member.email);
      await theirs.page.goto(workplace.url);
      const answer = await ask(theirs.page, "[[long 3000]] 長いお願いです");
      await begun(answer);
      await expect.poll(fakes.live).toBe(1);

      await page.goto(`${workplace.url}/admin/accounts`);
      await page.getByRole("button", { name: member.name }).click();
      await page.getByRole("button", { name: ja("admin.accounts.disable"), exact: true }).click();
      const sure = page.getByRole("alertdialog", { name: ja("admin.accounts.disableTitle", { name: member.name }) });
      await sure.getByRole("button", { name: ja("admin.accounts.disable"), exact: true }).click();
      await expect(sure).toHaveCount(0);

      expect((await theirs.request.get(`${workplace.url}/api/v1/me`)).status()).toBe(401);
      await expect.poll(fakes.live).toBe(0);
      const asked = theirs.page.getByRole("dialog", { name: ja("frame.signInAgain") });
      await expect(asked).toBeVisible();
      await asked.getByLabel(ja("account.password"), { exact: true }).fill(memberPassword);
      await asked.getByRole("button", { name: ja("account.signInAct") }).click();
      await expect(asked).toContainText(ja("errors.sign_in_failed.what"));

      // Let in again, the person finds what was said until then.
      await page.getByRole("button", { name: ja("admin.accounts.enable") }).click();
      await expect(page.getByRole("button", { name: ja("admin.accounts.disable"), exact: true })).toBeVisible();
      await asked.getByRole("button", { name: ja("account.signInAct") }).click();
      await expect(asked).toHaveCount(0);
      const stored = await lastAnswer(workplace, theirs.request, await conversationId(theirs.page));
      expect(stored.status).not.toBe("running");
      expect(stored.text.length).toBeGreaterThan(50);
      await ended(answers(theirs.page));
    });

    test("signing out everywhere ends every session and what it follows", async ({ workplace, page, visit }) => {
      const second = await visit();
      await second.page.goto(workplace.url);
      await signIn(second.page, admin.email, admin.password);
      const answer = await ask(second.page, "[[long 300]] 長いお願いです");
      await begun(answer);
      const conversation = await conversationId(second.page);

      await page.goto(`${workplace.url}/settings`);
      const list = page.locator("#sessions").getByRole("listitem");
      await expect(list).toHaveCount(2);
      await expect(list.filter({ hasText: ja("account.sessionCurrent") })).toHaveCount(1);
      await page.getByRole("button", { name: ja("account.everywhere") }).click();
      await page.getByRole("alertdialog").getByRole("button", { name: ja("account.everywhereAct") }).click();
      await expect(page).toHaveURL(/\/sign-in/);
      for (const request of [page.request, second.request]) expect((await request.get(`${workplace.url}/api/v1/me`)).status()).toBe(401);
      const asked = second.page.getByRole("dialog", { name: ja("frame.signInAgain") });
      await expect(asked).toBeVisible();

      // The answer went on without them, and is there when they are back.
      await asked.getByLabel(ja("account.password"), { exact: true }).fill(admin.password);
      await asked.getByRole("button", { name: ja("account.signInAct") }).click();
      await expect(asked).toHaveCount(0);
      await ended(answers(second.page));
      expect((await lastAnswer(workplace, second.request, conversation)).status).toBe("complete");
      await expect(composer(second.page)).toBeVisible();
    });
  });
}

test("one of two sessions is ended from the other", async ({ workplace, page, visit }) => {
  const second = await visit();
  await second.page.goto(workplace.url);
  await signIn(second.page, admin.email, admin.password);
  await expect(composer(second.page)).toBeVisible();
  await composer(second.page).fill("途中まで書いた文");

  await page.goto(`${workplace.url}/settings`);
  const list = page.locator("#sessions").getByRole("listitem");
  await expect(list).toHaveCount(2);
  await list.getByRole("button").click();
  await expect(list).toHaveCount(1);
  expect((await second.request.get(`${workplace.url}/api/v1/me`)).status()).toBe(401);
  expect((await call(page.request, workplace, "GET", "/me")).account.email).toBe(admin.email);

  const asked = second.page.getByRole("dialog", { name: ja("frame.signInAgain") });
  await expect(asked).toBeVisible();
  await asked.getByLabel(ja("account.password"), { exact: true }).fill(admin.password);
  await asked.getByRole("button", { name: ja("account.signInAct") }).click();
  await expect(asked).toHaveCount(0);
  await expect(composer(second.page)).toHaveValue("途中まで書いた文");
});
