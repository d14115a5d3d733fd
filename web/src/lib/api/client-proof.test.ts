import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api, onProofNeeded, unwrap } from "./client";

const fetchMock = vi.fn<typeof fetch>();

beforeEach(() => vi.stubGlobal("fetch", fetchMock));
afterEach(() => vi.unstubAllGlobals());

const refusal = () => Response.json({ code: "reauthentication_required" }, { status: 403 });

test("a call that needs a proof is sent again with what was typed, once it is proved", async () => {
  const bodies: string[] = [];
  fetchMock.mockImplementation(async (request) => {
    bodies.push(await (request as Request).text());
    return bodies.length === 1 ? refusal() : Response.json({ account: {} });
  });
  const ask = vi.fn(() => Promise.resolve(true));
  const stop = onProofNeeded(ask);
  await unwrap(api.PATCH("/me", { body: { name: "佐伯 由美子" } }));
  stop();
  expect(ask).toHaveBeenCalledOnce();
  expect(bodies).toEqual([JSON.stringify({ name: "佐伯 由美子" }), JSON.stringify({ name: "佐伯 由美子" })]);
});

test("who would rather not gets the refusal, and nothing is sent again", async () => {
  fetchMock.mockImplementation(() => Promise.resolve(refusal()));
  const stop = onProofNeeded(() => Promise.resolve(false));
  await expect(unwrap(api.GET("/models", {}))).rejects.toMatchObject({ code: "reauthentication_required" });
  stop();
  expect(fetchMock).toHaveBeenCalledOnce();
});

test("calls that are refused together are asked about once", async () => {
  let proved = false;
  fetchMock.mockImplementation(() => Promise.resolve(proved ? Response.json({ items: [] }) : refusal()));
  let prove: (proved: boolean) => void = () => undefined;
  const ask = vi.fn(() => new Promise<boolean>((resolve) => (prove = resolve)));
  const stop = onProofNeeded(ask);
  const both = Promise.all([unwrap(api.GET("/models", {})), unwrap(api.GET("/models", {}))]);
  await vi.waitFor(() => expect(fetchMock).toHaveBeenCalledTimes(2));
  await vi.waitFor(() => expect(ask).toHaveBeenCalledOnce());
  await new Promise((r) => setTimeout(r)); // both refusals have been read
  proved = true;
  prove(true);
  await both;
  stop();
  expect(ask).toHaveBeenCalledOnce();
  expect(fetchMock).toHaveBeenCalledTimes(4);
});

test("another refusal is not asked about", async () => {
  fetchMock.mockImplementation(() => Promise.resolve(Response.json({ code: "forbidden" }, { status: 403 })));
  const ask = vi.fn(() => Promise.resolve(true));
  const stop = onProofNeeded(ask);
  await expect(unwrap(api.GET("/models", {}))).rejects.toMatchObject({ code: "forbidden" });
  stop();
  expect(ask).not.toHaveBeenCalled();
});
