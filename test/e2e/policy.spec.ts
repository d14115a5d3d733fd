import { readFileSync } from "node:fs";
import { expect, test } from "./fixtures";
import { Inspector } from "./inspect";
import { call, setUp } from "./kakoi";
import { ja } from "./words";

const haiku = "jp.anthropic.claude-haiku-4-5-20251001-v1:0";
const workplace = "arn:aws:iam::111111111111:role/workplace";
const vendor = "arn:aws:iam::222222222222:role/bedrock";

/** Names of AWS's and what the test wrote: the same in every language. */
const aws = [/^arn:/, /^(jp|apac|global|amazon|anthropic)\./, /^(vpce|policy|scp|endpoint|invoke|assume|trust)-/, /^\d{12}-/, /^[A-Z]\w+(Model|Stream|Tokens|Models|Profiles)$/, /^(Converse|Rerank)$/, /^[a-z]{2}-[a-z]+-\d(, |$)/, /^[{[]/, /^(sts|bedrock):/, /^User: arn:/, /^\d+\. (sts|bedrock):/, /^ExternalId$/];

const allow = (actions: string) => JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }] });

test("policies are written for a connection, tried, and told when they let prompts out", async ({ server, page }) => {
  test.setTimeout(180_000);
  await setUp(server, page.request);
  const connection = await call(page.request, server, "POST", "/admin/connections", {
    name: "生成AI基盤共同利用事業（委託先の Bedrock・令和8年度契約分）", kind: "bedrock", enabled: true,
    settings: { region: "ap-northeast-1", credentials: "static", roles: [{ arn: vendor, externalId: "shiyakusho-7f3a" }] },
    secret: { accessKeyId: "AKIA1", secretAccessKey: "s" },
  });
  await call(page.request, server, "POST", "/admin/models", {
    connectionId: connection.id, remoteId: haiku, displayName: "Haiku", enabled: true,
    capabilities: { vision: true, documents: true, reasoning: false, tools: false, contextTokens: 0, outputTokens: 0 },
  });
  const inspector = new Inspector(page, "ja", aws);

  await test.step("the exact documents of both sides are made from the connection", async () => {
    await page.goto(`${server.url}/admin/policy?tab=generate`);
    await expect(page.getByLabel(ja("policy.models"))).toHaveValue(haiku);
    await page.getByLabel(ja("policy.caller")).fill(workplace);
    await page.getByRole("button", { name: ja("policy.generate") }).click();
    const made = page.getByRole("region", { name: ja("policy.made") });
    await expect(made.getByText(ja("policy.madeStays"))).toBeVisible();
    await expect(made.getByRole("region", { name: "222222222222-trust-bedrock" })).toContainText('"shiyakusho-7f3a"');
    await expect(made.getByRole("region", { name: "222222222222-invoke-models" })).toContainText(`arn:aws:bedrock:ap-northeast-3::foundation-model/${haiku.slice(3)}`);
    await expect(made.getByRole("article").filter({ hasText: ja("policy.merits") })).toHaveCount(5);
    await inspector.look("the documents");
  });

  await test.step("on a phone the documents scroll in their boxes, not the page", async () => {
    await page.setViewportSize({ width: 360, height: 780 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    const box = page.getByRole("region", { name: "222222222222-invoke-models" });
    expect(await box.evaluate((el) => el.scrollWidth > el.clientWidth)).toBe(true);
    const wider = await page.getByRole("main").evaluate((el) => Array.from(el.querySelectorAll("*")).filter((inner) => inner.contains(el.querySelector("form")) && inner.scrollWidth > inner.clientWidth + 1).map((inner) => inner.className));
    expect(wider).toEqual([]); // also with a connection whose name is longer than the phone is wide
    await page.setViewportSize({ width: 1366, height: 768 });
  });

  await test.step("they can be tried, and a change shows what comes of it", async () => {
    await page.getByRole("button", { name: ja("policy.tryThem") }).click();
    const find = page.getByRole("button", { name: ja("policy.simulate") });
    const answer = page.getByRole("region", { name: ja("policy.answerTitle") });
    await find.click();
    await expect(answer.getByText(ja("policy.answer.stays"))).toBeVisible();
    await expect(answer.getByRole("region", { name: ja("policy.destinations") }).getByRole("row")).toHaveCount(3); // with its head
    await page.getByLabel(ja("policy.externalId")).fill("wrong");
    await find.click();
    await expect(answer.getByText(ja("policy.answer.denied"), { exact: true })).toBeVisible();
    await expect(answer.getByText("ExternalId が、信頼ポリシーの求めるものと違います。").first()).toBeVisible();
    await expect(answer.getByText(/is not authorized to perform: sts:AssumeRole/)).toBeVisible();
    await inspector.look("a refusal");
  });

  await test.step("they are kept as files, and a question comes back from its JSON", async () => {
    await page.getByRole("tab", { name: ja("policy.generateTab") }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: ja("policy.downloadNamed", { name: "222222222222-trust-bedrock" }) }).click()]);
    expect(file.suggestedFilename()).toBe("222222222222-trust-bedrock.json");
    expect(JSON.parse(readFileSync(await file.path(), "utf8")).Statement[0].Condition.StringEquals["sts:ExternalId"]).toEqual(["shiyakusho-7f3a"]);
    await page.getByRole("tab", { name: ja("policy.simulateTab") }).click();
    await page.getByRole("button", { name: ja("policy.asJson") }).click();
    const json = page.getByLabel(ja("policy.questionJson"));
    const question = JSON.parse(await json.inputValue());
    await json.fill("{}");
    await page.getByRole("button", { name: ja("policy.readJson") }).click();
    await expect(page.getByText(ja("policy.noQuestion"))).toBeVisible();
    await json.fill(JSON.stringify({ ...question, allowedRegions: ["ap-northeast-1"] }));
    await page.getByRole("button", { name: ja("policy.readJson") }).click();
    await expect(page.getByLabel(ja("policy.allowedRegions"))).toHaveValue("ap-northeast-1");
    await page.getByLabel(ja("policy.externalId")).fill("shiyakusho-7f3a");
    await page.getByRole("button", { name: ja("policy.simulate") }).click();
    await expect(page.getByRole("alert")).toContainText(ja("policy.answer.leaves")); // Osaka is not among them
  });

  await test.step("what is allowed but leaves is said loudly", async () => {
    await page.goto(`${server.url}/admin/policy`);
    await page.getByLabel(ja("policy.caller")).fill(vendor);
    await page.getByLabel(ja("policy.model"), { exact: true }).fill(`global.${haiku.slice(3)}`);
    await page.getByRole("button", { name: ja("policy.addPolicy") }).click();
    await page.getByLabel(ja("policy.document")).fill("{");
    await page.getByRole("button", { name: ja("policy.simulate") }).click();
    await expect(page.getByText(ja("policy.notJson"))).toBeVisible();
    await page.getByLabel(ja("policy.document")).fill(allow("bedrock:*"));
    await page.getByRole("button", { name: ja("policy.simulate") }).click();
    await expect(page.getByRole("alert")).toContainText(ja("policy.answer.leaves"));
    await expect(page.getByText(ja("policy.destinationsAnywhere"))).toBeVisible();
    await inspector.look("a prompt that leaves");

    // An SCP of the account's own stops it.
    await page.getByRole("button", { name: ja("policy.addPolicy") }).click();
    const scp = page.getByRole("group", { name: ja("policy.policyN", { n: 2 }) });
    await scp.getByRole("button", { name: ja("policy.where") }).click();
    await page.getByRole("option", { name: ja("policy.place.scp", { account: "222222222222" }), exact: true }).click();
    await scp.getByLabel(ja("policy.level")).fill("root");
    await scp.getByLabel(ja("policy.document")).fill(
      JSON.stringify({ Version: "2012-10-17", Statement: [{ Sid: "TokyoOnly", Effect: "Deny", Action: "*", Resource: "*", Condition: { StringNotEquals: { "aws:RequestedRegion": "ap-northeast-1" } } }] }),
    );
    await page.getByRole("button", { name: ja("policy.simulate") }).click();
    await expect(page.getByText(ja("policy.answer.denied"), { exact: true })).toBeVisible();
    await expect(page.getByText(/TokyoOnly/).first()).toBeVisible();
  });
});
