import { createHmac } from "node:crypto";
import type { CDPSession, Page } from "@playwright/test";
import pg from "pg";
import { Kakoi, addMember, admin, call, composer, memberPassword, setUp, signIn } from "./kakoi";
import { expect, test as base } from "./fixtures";
import { Inspector } from "./inspect";
import { ja } from "./words";

// The second step of signing in, in a browser with a device that makes passkeys.

const test = base.extend({
  server: async ({ engine }, use) => {
    const server = await Kakoi.start(engine, true);
    await use(server);
    await server.stop();
  },
});

const member = { name: "佐藤 次郎", email: "sato@example.jp" };

/** What an authenticator app with this secret shows. */
function code(secret: string, at = Date.now()): string {
  const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const sum = createHmac("sha1", Buffer.from(bits.match(/.{8}/g)!.map((b) => parseInt(b, 2)))).update(counter).digest();
  return String((sum.readUInt32BE(sum[19]! & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** A device of this browser that makes passkeys and confirms its person. */
async function device(page: Page): Promise<{ cdp: CDPSession; id: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  // It would answer the question under the field of the address, too, before
  // anybody has typed: that is asked on #quiet alone.
  await page.addInitScript(() => {
    if (window.location.hash !== "#quiet") PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false);
  });
  return { cdp, id: authenticatorId };
}

const button = (page: Page, key: Parameters<typeof ja>[0], values = {}) => page.getByRole("button", { name: ja(key, values), exact: true });

async function signedOut(page: Page, server: Kakoi): Promise<void> {
  await call(page.request, server, "POST", "/sign-out");
  await page.goto(`${server.url}/sign-in`);
  await expect(page.getByRole("heading", { name: ja("account.signIn"), exact: true })).toBeVisible();
}

test("a passkey is added, is the second factor and the only one, and is refused once it is removed", async ({ workplace, page }) => {
  const { cdp } = await device(page);
  await page.goto(`${workplace.url}/settings/security`);
  await button(page, "security.addPasskey").click();
  const asked = page.getByRole("dialog", { name: ja("security.addPasskey") });
  await asked.getByLabel(ja("security.passkeyName"), { exact: true }).fill("机の端末");
  await asked.getByRole("button", { name: ja("security.goOn") }).click();
  const codes = page.getByRole("dialog", { name: ja("security.codesTitle") });
  await expect(codes.getByRole("listitem")).toHaveCount(10);
  await codes.getByRole("button", { name: ja("security.codesKept") }).click();
  await expect(page.locator("#passkeys").getByText("机の端末")).toBeVisible();
  await new Inspector(page, "ja", [/机の端末/]).look("the page of one's second factors");

  // After the password.
  await signedOut(page, workplace);
  await signIn(page, admin.email, admin.password);
  await expect(page.getByRole("heading", { name: ja("security.secondTitle") })).toBeVisible();
  await new Inspector(page, "ja").look("the second step");
  await page.goto(workplace.url); // there is no way round it
  await expect(page).toHaveURL(/\/sign-in\/second-factor/);
  await button(page, "security.usePasskey").click();
  await expect(composer(page)).toBeVisible();

  // Instead of it.
  await signedOut(page, workplace);
  await button(page, "security.signInPasskey").click();
  await expect(composer(page)).toBeVisible();
  await call(page.request, workplace, "POST", "/sign-out");
  await page.goto(`${workplace.url}/sign-in#quiet`);
  await expect(composer(page)).toBeVisible();

  await page.goto(`${workplace.url}/admin/sign-in/second-factor`);
  const requirement = page.locator("main").getByRole("button", { name: new RegExp(ja("frame.roleAdministrator")) });
  await requirement.click();
  await page.getByRole("option", { name: ja("admin.factor.optional") }).click();
  await button(page, "common.save").click();
  await expect(page.getByText(ja("common.saved"))).toBeVisible();
  await new Inspector(page, "ja").look("the policy of second factors");

  await page.goto(`${workplace.url}/settings/security`);
  await page.getByRole("button", { name: `${ja("security.remove")} 机の端末` }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: ja("security.remove"), exact: true }).click();
  await expect(page.locator("#passkeys").getByText(ja("security.passkeysNone"))).toBeVisible();
  await signedOut(page, workplace);
  await button(page, "security.signInPasskey").click();
  await expect(page.getByRole("alert").getByText(ja("errors.passkey_failed.what"))).toBeVisible();
  await signIn(page, admin.email, admin.password);
  await expect(composer(page)).toBeVisible();
  await cdp.detach();
});

test("an app and recovery codes open the second step, each code once", async ({ workplace, page, visit }) => {
  const theirs = await visit();
  await addMember(workplace, page.request, theirs.request, member.name, member.email);
  await theirs.page.goto(`${workplace.url}/settings`);
  await theirs.page.getByRole("link", { name: ja("account.openSecurity") }).click();
  await button(theirs.page, "security.addApp").click();
  const adding = theirs.page.getByRole("dialog", { name: ja("security.enrolTitle") });
  await expect(adding.getByRole("img", { name: ja("security.enrolPicture") })).toBeVisible();
  await new Inspector(theirs.page, "ja", [/^[A-Z2-7 ]{39}$/]).look("setting up an app");
  const secret = (await adding.locator("code").innerText()).replaceAll(/\s/g, "");
  // As people paste it, with the digits of a Japanese keyboard. The one before
  // is within the skew, and leaves the present one unused.
  const typed = code(secret, Date.now() - 30_000).replace(/\d/g, (d) => String.fromCharCode(d.charCodeAt(0) + 0xfee0));
  await adding.getByLabel(ja("security.enrolCode")).fill(`${typed.slice(0, 3)} ${typed.slice(3)}`);
  await adding.getByRole("button", { name: ja("security.enrolAct") }).click();
  const shown = theirs.page.getByRole("dialog", { name: ja("security.codesTitle") });
  await expect(shown.getByRole("listitem")).toHaveCount(10);
  const codes = await shown.getByRole("listitem").allInnerTexts();
  await new Inspector(theirs.page, "ja", codes.map((c) => new RegExp(c))).look("the recovery codes");
  const [saved] = await Promise.all([theirs.page.waitForEvent("download"), shown.getByRole("button", { name: ja("security.download") }).click()]);
  expect(saved.suggestedFilename()).toBe("kakoi-recovery-codes.txt");
  await shown.getByRole("button", { name: ja("security.codesKept") }).click();

  await signedOut(theirs.page, workplace);
  await theirs.page.goto(`${workplace.url}/prompts`);
  await signIn(theirs.page, member.email, memberPassword);
  const field = theirs.page.getByLabel(ja("security.code"), { exact: true });
  await expect(field).toBeFocused();
  await field.fill("000000");
  await field.press("Enter");
  await expect(theirs.page.getByText(ja("errors.second_factor_failed.what"))).toBeVisible();
  await expect(field).toBeFocused();
  await field.fill(code(secret));
  await field.press("Enter");
  await expect(theirs.page).toHaveURL(/\/prompts$/); // where they wanted to go

  for (const [given, accepted] of [[codes[0]!, true], [codes[0]!, false], [codes[1]!.toUpperCase(), true]] as const) {
    await signedOut(theirs.page, workplace);
    await signIn(theirs.page, member.email, memberPassword);
    await button(theirs.page, "security.useRecovery").click();
    await theirs.page.getByLabel(ja("security.recovery"), { exact: true }).fill(given);
    await button(theirs.page, "security.confirm").click();
    await expect(accepted ? composer(theirs.page) : theirs.page.getByText(ja("errors.second_factor_failed.reasons.recovery.what"))).toBeVisible();
  }

  // An administrator takes it away, and says why.
  await page.goto(`${workplace.url}/admin/accounts`);
  await page.getByRole("button", { name: member.name }).click();
  await button(page, "admin.accounts.resetFactors").click();
  const reset = page.getByRole("dialog", { name: ja("admin.accounts.resetFactorsTitle", { name: member.name }) });
  await reset.getByRole("button", { name: ja("admin.accounts.resetFactorsAct"), exact: true }).click();
  await expect(reset.getByText(ja("common.required"))).toBeVisible();
  await reset.getByLabel(ja("admin.accounts.resetReason")).fill("電話を紛失");
  await reset.getByRole("button", { name: ja("admin.accounts.resetFactorsAct"), exact: true }).click();
  await expect(reset).toHaveCount(0);
  expect((await theirs.request.get(`${workplace.url}/api/v1/me`)).status()).toBe(401);
});

test.describe("what is required", () => {
  test.use({ engine: "postgres" });

  test("is told, may be put off, and then is the way in; dangerous acts ask again and lose nothing", async ({ server, page }) => {
    await setUp(server, page.request);
    const store = new pg.Client(server.databaseURL);
    await store.connect();
    await page.goto(server.url);
    const told = page.getByRole("complementary", { name: ja("security.due") });
    await expect(told).toBeVisible();
    await told.getByRole("button", { name: ja("security.later") }).click();
    await expect(told).toHaveCount(0);

    // Long after the proof.
    await store.query("UPDATE sessions SET proved_at = 0");
    await page.goto(`${server.url}/admin/accounts`);
    await button(page, "admin.accounts.add").click();
    const made = page.getByRole("dialog", { name: ja("admin.accounts.addTitle") });
    await made.getByLabel(ja("admin.accounts.name"), { exact: true }).fill(member.name);
    await made.getByLabel(ja("admin.accounts.email"), { exact: true }).fill(member.email);
    await made.getByRole("button", { name: ja("admin.accounts.addAct"), exact: true }).click();
    const asked = page.getByRole("dialog", { name: ja("security.proveTitle") });
    await new Inspector(page, "ja", [/sato/]).look("being asked again");
    await asked.getByLabel(ja("security.provePassword"), { exact: true }).fill("chigau");
    await asked.getByRole("button", { name: ja("security.proveAct") }).click();
    await expect(asked.getByText(ja("account.currentWrong"))).toBeVisible();
    await asked.getByLabel(ja("security.provePassword"), { exact: true }).fill(admin.password);
    await asked.getByRole("button", { name: ja("security.proveAct") }).click();
    await expect(asked).toHaveCount(0);
    // What was typed went through, and the temporary password is shown.
    await expect(page.getByRole("dialog", { name: ja("admin.accounts.passwordTitle", { name: member.name }) })).toBeVisible();

    // The grace is over.
    await store.query("UPDATE accounts SET second_factor_asked_at = 1");
    await store.end();
    await page.goto(`${server.url}/settings`);
    await expect(page.getByRole("heading", { name: ja("security.setUpTitle") })).toBeVisible();
    await new Inspector(page, "ja").look("setting up what is required");
    await button(page, "security.addApp").click();
    const adding = page.getByRole("dialog", { name: ja("security.enrolTitle") });
    const secret = (await adding.locator("code").innerText()).replaceAll(/\s/g, "");
    await adding.getByLabel(ja("security.enrolCode")).fill(code(secret));
    await adding.getByLabel(ja("security.enrolCode")).press("Enter");
    await button(page, "security.codesKept").click();
    await expect(page.getByRole("heading", { name: ja("account.settings"), exact: true })).toBeVisible();
  });
});
