import { ask, answers, call, composer, connectModel, ended } from "./kakoi";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { type Key, ja } from "./words";

// How confidential a conversation is decides which models it may be sent to.

test("what is secret goes only to the model that may have it", async ({ workplace, page, fakes }) => {
  const { request } = page;
  const eye = new Inspector(page, "ja", [/^MB$/, /^fake-(large|light)$/]);
  const shut = await connectModel(workplace, request, fakes.openai, "fake-light", "金庫のモデル");
  const picker = (name: Key) => page.getByRole("button", { name: ja("chat.class.named", { name: ja(name) }), exact: true });
  const choose = async (from: Key, to: Key) => {
    await picker(from).click();
    await page.getByRole("menuitemradio", { name: ja(to) }).click();
    await expect(picker(to)).toBeVisible();
  };

  await test.step("the administrator classifies, and keeps what is secret apart", async () => {
    await page.goto(`${workplace.url}/admin/chat`);
    await page.getByRole("button", { name: new RegExp(ja("admin.chat.defaultClass")) }).click();
    await page.getByRole("option", { name: new RegExp(`^${ja("admin.chat.class2")}`) }).click();
    await eye.look("the settings of conversations");
    await page.getByRole("button", { name: ja("common.save"), exact: true }).click();
    await expect(page.getByText(ja("common.saved"), { exact: true })).toBeVisible();
    const { version } = await call(request, workplace, "GET", "/admin/residency");
    const rule = { groupIds: [], regions: [], countries: ["JP"], classes: [] as number[] };
    await call(request, workplace, "PUT", "/admin/residency", {
      open: false, version, rules: [
        { ...rule, name: "業務", models: [], classes: [1, 2] },
        { ...rule, name: "秘密", models: ["fake-light"], classes: [3] },
      ],
    });
  });

  await test.step("why a model may have it is asked for a class", async () => {
    const { items } = await call(request, workplace, "GET", "/admin/models");
    const id = items.find((one: { displayName: string }) => one.displayName === "庁内モデル").id;
    await page.goto(`${workplace.url}/admin/residency?model=${id}`);
    const result = page.getByRole("status", { name: ja("admin.residency.result") });
    await expect(result).toContainText(ja("admin.residency.canUse")); // as conversations begin
    await page.getByRole("button", { name: new RegExp(`^${ja("admin.chat.class2")}`) }).click();
    await page.getByRole("option", { name: ja("admin.chat.class3"), exact: true }).click();
    await expect(result).toBeEmpty();
    await page.getByRole("button", { name: ja("admin.residency.ask"), exact: true }).click();
    await expect(result).toContainText(ja("admin.residency.cannotUse"));
    await expect(result).toContainText(ja("common.reason.class_barred", { rule: "業務", content: ja("common.reason.content.3") }));
    // One for what is secret, the other for everything: neither is barred for want of a class.
    const effects = page.getByRole("list", { name: ja("admin.residency.effects") });
    await expect(effects.getByRole("listitem").filter({ hasText: "金庫のモデル" })).toContainText(ja("admin.residency.allowed"));
    await expect(effects.getByRole("listitem").filter({ hasText: "庁内モデル" })).toContainText(ja("admin.residency.partlyClasses"));
    await eye.look("a model, asked about for what is secret");
  });

  await test.step("a conversation begins as the organisation says, and its class is changed", async () => {
    await page.goto(workplace.url);
    const answer = await ask(page, "[[say はい]] 予算の相談");
    await ended(answer);
    await choose("chat.class.2", "chat.class.3");
    await expect(page.getByText(ja("chat.class.otherModel", { name: ja("chat.class.3"), model: "金庫のモデル" }))).toBeVisible();
    await eye.look("a secret conversation");
    await ended(await ask(page, "[[say はい]] 人事の相談"));
    await expect(answers(page).nth(1)).toContainText("はい");
  });

  await test.step("the server decides, whatever a page says", async () => {
    const id = new URL(page.url()).pathname.slice("/c/".length);
    expect(await call(request, workplace, "GET", `/conversations/${id}`)).toMatchObject({ class: 3, modelId: shut });
    const { items } = await call(request, workplace, "GET", "/models");
    const open = items.find((one: { id: string; classes: number[] }) => one.id !== shut && one.classes.includes(2)).id;
    await call(request, workplace, "PATCH", `/conversations/${id}`, { modelId: open });
    await page.reload();
    await composer(page).fill("送れない");
    await expect(page.getByRole("button", { name: ja("chat.send"), exact: true })).toHaveAttribute("aria-disabled", "true");
    await expect(page.getByText(ja("chat.class.notThis", { name: ja("chat.class.3") }))).toBeVisible();
    await call(request, workplace, "POST", `/conversations/${id}/turns`, { text: "こっそり" });
    await expect(answers(page).nth(2).getByText(ja("errors.residency_denied.what"))).toBeVisible();
  });
});
