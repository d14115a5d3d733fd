import { expect, test } from "vitest";
import type { Connection } from "@/lib/api/types";
import { blank, draftOf, formOf, isHttpUrl } from "./draft";

const stored: Connection = {
  id: "c-1", name: "庁内", kind: "openai", enabled: true, hasSecret: true, createdAt: "", updatedAt: "",
  settings: { baseUrl: "http://10.0.0.1/v1", headers: { "X-Dept": "a" } },
};

test("a secret that was not typed is not sent, so the stored one stays", () => {
  expect(draftOf(formOf(stored))).toEqual({ name: "庁内", kind: "openai", enabled: true, settings: { baseUrl: "http://10.0.0.1/v1", headers: { "X-Dept": "a" } } });
});

test("secret headers travel as secrets, the others as settings", () => {
  const form = { ...blank("openai", "a", "http://h/v1"), apiKey: " sk-1 ", headers: [{ name: "X-A", value: "1", secret: false }, { name: "X-B", value: "2", secret: true }, { name: "", value: "x", secret: false }] };
  expect(draftOf(form)).toMatchObject({ settings: { baseUrl: "http://h/v1", headers: { "X-A": "1" } }, secret: { apiKey: "sk-1", headers: { "X-B": "2" } } });
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
