import type { Page } from "@playwright/test";
import { addMember, answers, ask, begun, call, conversationId, ended } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { type Words, ja, words } from "./words";

const en = words("en");
const line = (page: Page) => page.locator("[data-line]");
const stop = (page: Page, t: Words = ja) => page.getByRole("button", { name: t("chat.stop"), exact: true }).click();

test("who waits for a model sees how many are before them, also after a reload and in a second tab, until their turn comes", async ({ workplace, page, visit }) => {
  // The administrator allows one answer at a time.
  await page.goto(`${workplace.url}/admin/models`);
  await page.getByRole("button", { name: "庁内モデル" }).first().click();
  await page.getByRole("button", { name: ja("common.edit"), exact: true }).click();
  const form = page.getByRole("dialog", { name: ja("admin.models.editTitle", { name: "庁内モデル" }) });
  await form.getByLabel(ja("admin.models.concurrent")).fill("1");
  const eye = new Inspector(page, "ja", [/^fake-|^庁内モデル$/]);
  await eye.look("the limits and routes of a model");
  await form.getByRole("button", { name: ja("common.save"), exact: true }).click();
  await expect(form).toHaveCount(0);
  await eye.look("a model with limits");

  const [sato, ito] = [await visit(), await visit({ viewport: { width: 360, height: 740 }, colorScheme: "dark", locale: "en-GB" })];
  await addMember(workplace, page.request, sato.request, "佐藤 次郎", "sato@example.jp");
  await addMember(workplace, page.request, ito.request, "Ito Saburo", "ito@example.jp");
  await ito.request.patch(`${workplace.url}/api/v1/me/preferences`, { data: { locale: "en" } });

  await page.goto(workplace.url);
  await begun(await ask(page, "[[long 3000]] 長いお願いです"), 1);
  await sato.page.goto(workplace.url);
  await ask(sato.page, "[[say 佐藤さんの答え]] 急ぎです");
  await expect(line(sato.page)).toContainText(ja("chat.lineNext"));
  await new Inspector(sato.page, "ja", [/^fake-|^庁内モデル$/]).look("waiting for a model");

  await ito.page.goto(workplace.url);
  await ask(ito.page, "[[say An answer for Ito]] Please hurry", en);
  const one = en("chat.lineAhead_one" as never, { count: 1 });
  await expect(line(ito.page)).toContainText(one);
  await new Inspector(ito.page, "en", [/^fake-|庁内モデル/]).look("waiting for a model, on a phone in the dark");
  await conversationId(ito.page);
  await ito.page.reload();
  await expect(line(ito.page)).toContainText(one);
  const second = await ito.page.context().newPage();
  await second.goto(ito.page.url());
  await expect(line(second)).toContainText(one);

  // Who stops has used nothing, and lets the next one move up.
  await stop(sato.page);
  await ended(answers(sato.page));
  await expect(line(sato.page)).toHaveCount(0);
  for (const tab of [ito.page, second]) await expect(line(tab)).toContainText(en("chat.lineNext"));
  await stop(page);
  for (const tab of [ito.page, second]) {
    await expect(answers(tab, en)).toContainText("An answer for Ito");
    await expect(line(tab)).toHaveCount(0);
  }
});

test("a way to a model: what the server refuses of it stands at its field, and whoever deletes its connection is told", async ({ workplace, page }) => {
  const called = (method: string, path: string, data?: unknown) => call(page.request, workplace, method, path, data);
  const model = (await called("GET", "/admin/models")).items.find((m: { displayName: string }) => m.displayName === "庁内モデル");
  const own = (await called("GET", "/admin/connections")).items.find((c: { id: string }) => c.id === model.connectionId);
  const second = await called("POST", "/admin/connections", { name: "控えのサーバー", kind: "openai", enabled: true, settings: own.settings });
  await called("PATCH", `/admin/models/${model.id}`, { routes: [{ connectionId: second.id }] });

  await page.goto(`${workplace.url}/admin/models?id=${model.id}`);
  await page.getByRole("button", { name: ja("common.edit"), exact: true }).click();
  const form = page.getByRole("dialog", { name: ja("admin.models.editTitle", { name: "庁内モデル" }) });
  await form.getByRole("button", { name: ja("admin.models.addRoute") }).click(); // the same once more
  await form.getByRole("button", { name: ja("common.save"), exact: true }).click();
  const refused = form.getByRole("listitem", { name: ja("admin.models.routeN", { n: 2 }) });
  await expect(refused).toContainText(ja("admin.models.routeRefused.twice"));
  await expect(refused.getByRole("button", { name: ja("admin.models.connection") })).toBeFocused();
  const eye = new Inspector(page, "ja", [/^fake-|^庁内モデル$|^控えのサーバー$/]);
  await eye.look("a route that was refused");

  await page.goto(`${workplace.url}/admin/connections?id=${second.id}`);
  await page.getByRole("button", { name: ja("common.delete"), exact: true }).click();
  const asked = page.getByRole("alertdialog");
  await expect(asked).toContainText(ja("admin.connections.deleteRouted", { count: 1, names: "庁内モデル" }));
  await eye.look("deleting a connection over which another's model has a way");
  await asked.getByRole("button", { name: ja("common.delete"), exact: true }).click();
  await expect(asked).toHaveCount(0);
  expect((await called("GET", "/admin/models")).items.find((m: { id: string }) => m.id === model.id).routes).toEqual([]);
});
