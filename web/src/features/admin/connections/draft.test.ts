import { expect, test } from "vitest";
import type { Connection } from "@/lib/api/types";
import { blank, draftOf, emptyRole, formOf, hasLogin, isHttpUrl, placedBy } from "./draft";

const stored: Connection = {
  id: "c-1",
  name: "庁内",
  kind: "openai",
  enabled: true,
  models: 0,
  secretNames: ["apiKey", "headers.X-Team-Key"],
  createdAt: "",
  updatedAt: "",
  settings: { baseUrl: "http://10.0.0.1/v1", country: "JP", headers: { "X-Dept": "a" }, caFile: "/etc/ssl/own.pem" },
};

test("a connection opened and saved as it is sends no secret, so the stored ones stay", () => {
  expect(draftOf(formOf(stored), stored)).toEqual({ name: "庁内", kind: "openai", enabled: true, settings: stored.settings });
});

test("a stored secret header that is taken out of the form is removed", () => {
  const form = formOf(stored);
  expect(draftOf({ ...form, headers: form.headers.filter((h) => !h.secret) }, stored).secret).toEqual({ headers: { "X-Team-Key": "" } });
});

test("a stored key is removed on demand, unless a new one is typed", () => {
  expect(draftOf({ ...formOf(stored), clearApiKey: true }, stored).secret).toEqual({ apiKey: "" });
  expect(draftOf({ ...formOf(stored), clearApiKey: true, apiKey: "sk-2" }, stored).secret).toEqual({ apiKey: "sk-2" });
});

test("secret headers travel as secrets, the others as settings", () => {
  const form = {
    ...blank("openai", "a", "http://h/v1"),
    apiKey: " sk-1 ",
    headers: [
      { name: "X-A", value: "1", secret: false },
      { name: "X-B", value: "2", secret: true },
      { name: "", value: "x", secret: false },
    ],
  };
  expect(draftOf(form)).toMatchObject({ settings: { baseUrl: "http://h/v1", headers: { "X-A": "1" } }, secret: { apiKey: "sk-1", headers: { "X-B": "2" } } });
});

test("the network settings of a Bedrock connection are kept, FIPS only where there is such an endpoint", () => {
  const settings = {
    region: "us-west-2",
    credentials: "default" as const,
    endpoint: "https://a.example",
    controlEndpoint: "https://b.example",
    stsEndpoint: "https://c.example",
    agentRuntimeEndpoint: "https://d.example",
    agentEndpoint: "https://e.example",
    fips: true,
    proxy: "http://proxy.example:8080",
  };
  const form = formOf({ ...stored, kind: "bedrock", secretNames: [], settings });
  expect(draftOf(form).settings).toEqual(settings);
  expect(draftOf({ ...form, region: "ap-northeast-1" }).settings).not.toHaveProperty("fips");
  expect(draftOf({ ...form, fips: false }).settings).not.toHaveProperty("fips");
});

test("who logs in to a proxy is a setting, and with what a secret", () => {
  for (const form of [blank("openai", "a", "http://h/v1"), blank("bedrock", "b"), { ...blank("bedrock", "b"), credentials: "bearer" as const }]) {
    const behind = { ...form, proxy: " http://proxy.example:8080 ", proxyUser: " soumu ", proxyPassword: "p" };
    expect(draftOf(behind)).toMatchObject({ settings: { proxy: "http://proxy.example:8080", proxyUser: "soumu" }, secret: { proxyPassword: "p" } });
    const direct = draftOf({ ...behind, proxy: "" });
    expect(direct.settings).not.toHaveProperty("proxyUser");
    expect(direct.secret).toBeUndefined();
  }
  const settings = { ...stored.settings, proxy: "http://proxy.example:8080", proxyUser: "soumu" };
  const kept = { ...stored, settings, secretNames: [...stored.secretNames, "proxyPassword"] };
  expect(draftOf(formOf(kept), kept)).toEqual({ name: "庁内", kind: "openai", enabled: true, settings });
});

test("a login in the address of a proxy is seen", () => {
  expect(["http://a:b@proxy:8080", " https://a@proxy", "http://proxy:8080/a@b"].map(hasLogin)).toEqual([true, true, false]);
});

test("only the secrets of the chosen way to sign are sent to Bedrock", () => {
  const form = { ...blank("bedrock", "b"), accessKeyId: "AKIA", secretAccessKey: "s", bearerToken: "t" };
  expect(draftOf(form).secret).toBeUndefined();
  expect(draftOf({ ...form, credentials: "static" }).secret).toEqual({ accessKeyId: "AKIA", secretAccessKey: "s" });
  expect(draftOf({ ...form, credentials: "bearer" }).secret).toEqual({ bearerToken: "t" });
});

test.each([
  ["http://127.0.0.1:11434/v1", true],
  ["https://host/v1", true],
  ["127.0.0.1:11434", false],
  ["ftp://host", false],
  ["http://user:pass@host", false],
])("%s as an address", (text, ok) => {
  expect(isHttpUrl(text)).toBe(ok);
});

test("a chain of roles opened and saved as it is stays as it is", () => {
  const roles = [
    { arn: "arn:aws:iam::111122223333:role/way", durationSeconds: 2700, region: "ap-northeast-1" },
    { arn: "arn:aws:iam::999988887777:role/vendor", externalId: "city-1", endpoint: "https://sts.example", sessionName: "kakoi-{account}", sourceIdentity: "{email}", tags: { department: "{group}" }, transitiveTags: true },
  ];
  const bedrock: Connection = { ...stored, kind: "bedrock", secretNames: [], settings: { region: "ap-northeast-1", credentials: "default", roles } };
  expect(draftOf(formOf(bedrock), bedrock).settings).toEqual(bedrock.settings);
});

test("a Bedrock API key goes without the roles that it cannot assume", () => {
  const form = { ...blank("bedrock", "b"), roles: [{ ...emptyRole, arn: "arn:aws:iam::999988887777:role/vendor" }] };
  expect(draftOf(form).settings?.roles).toEqual([{ arn: "arn:aws:iam::999988887777:role/vendor" }]);
  expect(draftOf({ ...form, credentials: "bearer" }).settings?.roles).toBeUndefined();
});

test("a country is sent in capitals", () => {
  expect(draftOf({ ...blank("openai", "a", "http://h/v1"), country: " jp " }).settings).toEqual({ baseUrl: "http://h/v1", country: "JP" });
});

test.each([
  ["http://127.0.0.1:11434/v1", "itself"],
  ["http://localhost:8080/v1", "itself"],
  ["http://[::1]:8080/v1", "itself"],
  ["http://llm.example.lg.jp/v1", "declaration"],
  ["http://10.0.0.5/v1", "declaration"],
  ["https://bedrock-runtime.ap-northeast-1.amazonaws.com/openai/v1", "name"],
  ["https://vpce-1.bedrock-runtime.ap-northeast-3.vpce.amazonaws.com/v1", "name"],
  ["llm", undefined],
])("where %s stands is known by %s", (url, by) => {
  expect(placedBy(url)).toBe(by);
});
