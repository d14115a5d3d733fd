import type { ServerResponse } from "node:http";
import type { Connection, Schemas } from "../src/lib/api/types";

type Step = Schemas["DoctorStep"];

/** What an examination finds: all well, or with failures several connections that fail in their own ways. */
function stepsOf({ connectionId, quick, outside }: Schemas["DoctorQuestion"], connections: Connection[], failing: boolean): Step[] {
  const step = (group: Step["group"], name: string, more: Partial<Step> = {}): Step => ({ group, name, status: "ok", params: {}, facts: [], elapsedMs: 4, ...more });
  const about = ({ id, name, kind, settings }: Connection, i: number): Step[] => {
    const host = settings.baseUrl ? new URL(settings.baseUrl).host : `bedrock-runtime.${settings.region ?? "ap-northeast-1"}.amazonaws.com:443`;
    const of = (stepName: string, more: Partial<Step> = {}) => step("connection", stepName, { connectionId: id, connectionName: name, target: host, ...more });
    if (kind === "demo") return [of("configuration", { target: "" })];
    const way = [of("resolve", { facts: [{ name: "addresses", value: `10.24.0.${12 + i}` }] })];
    if (failing && i === 0) {
      return [...way, of("connect", { status: "failed", code: "connect_refused", params: { host }, detail: `dial tcp 10.24.0.12:443: connect: connection refused` }), of("answer", { status: "skipped", code: "skipped_unreachable", target: "" })];
    }
    way.push(of("connect", { elapsedMs: 11 }), of("tls", { facts: [{ name: "tls", value: "TLS 1.3" }, { name: "names", value: host }, { name: "validUntil", value: "2027-03-31T14:59:59Z" }] }), of("clock", { facts: [{ name: "skew", value: "0s" }] }));
    if (failing && i === 1) return [...way, of("credentials", { status: "failed", code: "credentials_signature", target: "", facts: [{ name: "accessKey", value: "AKIA…0001" }], detail: "SignatureDoesNotMatch (HTTP 403): The request signature we calculated does not match the signature you provided." })];
    way.push(of("credentials", { target: "", facts: [{ name: "identity", value: "arn:aws:iam::111122223333:user/kakoi" }] }), of("list_models", { target: "", elapsedMs: 120, facts: [{ name: "models", value: "26" }, { name: "listed", value: "true" }] }));
    if (quick) return [...way, of("answer", { status: "skipped", code: "skipped_quick", target: "" })];
    way.push(of("answer", { target: "", elapsedMs: 940, facts: [{ name: "tokens", value: "12 + 3" }] }));
    return [...way, i === 2 ? of("stream", { status: "warning", code: "stream_whole", target: "" }) : of("stream", { target: "", facts: [{ name: "firstWords", value: "210 ms" }] }), of("headroom", { status: "unknown", code: "headroom_unknown", target: "" })];
  };
  const examined = connections.filter((c) => !connectionId || c.id === connectionId).flatMap(about);
  if (connectionId) return examined;
  return [
    step("server", "store", { facts: [{ name: "schema", value: "18" }] }),
    step("server", "disk", { target: "/var/lib/kakoi", facts: [{ name: "free", value: "39.5 GiB / 252.0 GiB" }] }),
    step("server", "key", { target: "/var/lib/kakoi/keys/master.json" }),
    step("closed", "forbidden", { elapsedMs: 43, facts: [{ name: "tried", value: "160" }] }),
    outside ? step("closed", "outside", { elapsedMs: 2_000 }) : step("closed", "outside", { status: "skipped", code: "outside_not_asked" }),
    ...examined,
  ];
}

/** Answers POST /admin/doctor: the steps one after the other, as an event stream. */
export function mockDoctor(res: ServerResponse, question: Schemas["DoctorQuestion"], connections: Connection[], failing: boolean) {
  res.setHeader("Content-Type", "text/event-stream");
  const steps = stepsOf(question, connections, failing);
  const tell = () => {
    const step = steps.shift();
    res.write(`data: ${JSON.stringify(step ? { type: "step", step } : { type: "done" })}\n\n`);
    if (step) timer = setTimeout(tell, 150);
    else res.end();
  };
  let timer = setTimeout(tell, 150);
  res.on("close", () => clearTimeout(timer));
}
