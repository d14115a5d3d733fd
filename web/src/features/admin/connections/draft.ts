import type { Connection, ConnectionDraft, ConnectionKind, ConnectionSecret, ConnectionSettings } from "@/lib/api/types";

/** What stands in the form of a connection: texts, of which some become settings and some secrets. */
export interface DraftForm {
  name: string;
  kind: ConnectionKind;
  enabled: boolean;
  baseUrl: string;
  apiKey: string;
  headers: { name: string; value: string; secret: boolean }[];
  caPem: string;
  region: string;
  endpoint: string;
  stsEndpoint: string;
  credentials: NonNullable<ConnectionSettings["credentials"]>;
  profile: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  bearerToken: string;
}

/** A form with nothing in it yet. */
export function blank(kind: ConnectionKind, name = "", baseUrl = ""): DraftForm {
  return {
    name, kind, enabled: true, baseUrl, apiKey: "", headers: [], caPem: "",
    region: "ap-northeast-1", endpoint: "", stsEndpoint: "", credentials: "default", profile: "",
    accessKeyId: "", secretAccessKey: "", sessionToken: "", bearerToken: "",
  };
}

/** The form of a connection that exists. Its secrets are not known here and stay empty. */
export function formOf(c: Connection): DraftForm {
  return {
    ...blank(c.kind, c.name, c.settings.baseUrl),
    enabled: c.enabled,
    headers: Object.entries(c.settings.headers ?? {}).map(([name, value]) => ({ name, value, secret: false })),
    caPem: c.settings.caPem ?? "",
    region: c.settings.region ?? "",
    endpoint: c.settings.endpoint ?? "",
    stsEndpoint: c.settings.stsEndpoint ?? "",
    credentials: c.settings.credentials ?? "default",
    profile: c.settings.profile ?? "",
  };
}

function given<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== "" && v !== undefined && !(typeof v === "object" && Object.keys(v as object).length === 0))) as T;
}

/** What is sent: only the settings of the kind, and only the secrets that were typed. */
export function draftOf(f: DraftForm): ConnectionDraft {
  const pick = (secret: boolean) => Object.fromEntries(f.headers.filter((h) => h.secret === secret && h.name.trim()).map((h) => [h.name.trim(), h.value]));
  let settings: ConnectionSettings = {};
  let secret: ConnectionSecret = {};
  if (f.kind === "openai") {
    settings = given({ baseUrl: f.baseUrl.trim(), headers: pick(false), caPem: f.caPem.trim() });
    secret = given({ apiKey: f.apiKey.trim(), headers: pick(true) });
  } else if (f.kind === "bedrock") {
    settings = given({ region: f.region.trim(), endpoint: f.endpoint.trim(), stsEndpoint: f.stsEndpoint.trim(), credentials: f.credentials, profile: f.credentials === "profile" ? f.profile.trim() : "", caPem: f.caPem.trim() });
    if (f.credentials === "static") secret = given({ accessKeyId: f.accessKeyId.trim(), secretAccessKey: f.secretAccessKey.trim(), sessionToken: f.sessionToken.trim() });
    if (f.credentials === "bearer") secret = given({ bearerToken: f.bearerToken.trim() });
  }
  const draft: ConnectionDraft = { name: f.name.trim(), kind: f.kind, enabled: f.enabled, settings };
  if (Object.keys(secret).length > 0) draft.secret = secret;
  return draft;
}

/** Whether a text is an address a connection can have. */
export function isHttpUrl(text: string): boolean {
  try {
    const url = new URL(text.trim());
    return (url.protocol === "http:" || url.protocol === "https:") && url.username === "" && url.password === "";
  } catch {
    return false;
  }
}
