import type { AssumedRole, Connection, ConnectionDraft, ConnectionKind, ConnectionSecret, ConnectionSettings } from "@/lib/api/types";

/** A header of its own line in the form. */
export interface HeaderLine {
  name: string;
  value: string;
  secret: boolean;
  /** Its secret value is stored: left empty it stays. */
  stored?: boolean;
}

/** A role that the connection assumes. */
export interface RoleForm {
  arn: string;
  externalId: string;
  region: string;
  endpoint: string;
  /** How long its credentials last; NaN is "as the server has it". */
  minutes: number;
  sessionName: string;
  sourceIdentity: string;
  tags: { name: string; value: string }[];
  transitiveTags: boolean;
}

export const emptyRole: RoleForm = { arn: "", externalId: "", region: "", endpoint: "", minutes: NaN, sessionName: "", sourceIdentity: "", tags: [], transitiveTags: false };

/** As many as one connection may assume in a row. */
export const maxRoles = 5;

function roleFormOf(r: AssumedRole): RoleForm {
  return {
    arn: r.arn,
    externalId: r.externalId ?? "",
    region: r.region ?? "",
    endpoint: r.endpoint ?? "",
    minutes: r.durationSeconds ? r.durationSeconds / 60 : NaN,
    sessionName: r.sessionName ?? "",
    sourceIdentity: r.sourceIdentity ?? "",
    tags: Object.entries(r.tags ?? {}).map(([name, value]) => ({ name, value })),
    transitiveTags: r.transitiveTags ?? false,
  };
}

function roleOf(f: RoleForm): AssumedRole {
  const tags = Object.fromEntries(f.tags.filter((tag) => tag.name.trim()).map((tag) => [tag.name.trim(), tag.value.trim()]));
  return given({
    arn: f.arn.trim(),
    externalId: f.externalId.trim(),
    region: f.region.trim(),
    endpoint: f.endpoint.trim(),
    durationSeconds: Number.isNaN(f.minutes) ? undefined : Math.round(f.minutes * 60),
    sessionName: f.sessionName.trim(),
    sourceIdentity: f.sourceIdentity.trim(),
    tags,
    transitiveTags: (Object.keys(tags).length > 0 && f.transitiveTags) || undefined,
  }) as AssumedRole;
}

const loopback = /^(localhost|[^/]*\.localhost|127\.[\d.]+|\[::1\])$/i;
const cloud = /(^|\.)bedrock[a-z-]*\..*\.(amazonaws\.com(\.cn)?|api\.aws)$/i;

/** How the place of a server is known by its address: it is this machine, its name tells, or somebody must say it. */
export function placedBy(baseUrl: string): "itself" | "name" | "declaration" | undefined {
  if (!isHttpUrl(baseUrl)) return undefined;
  const { hostname } = new URL(baseUrl.trim());
  return loopback.test(hostname) ? "itself" : cloud.test(hostname) ? "name" : "declaration";
}

/** What stands in the form of a connection: texts, of which some become settings and some secrets. */
export interface DraftForm {
  name: string;
  kind: ConnectionKind;
  enabled: boolean;
  baseUrl: string;
  country: string;
  apiKey: string;
  /** The stored key is to go. */
  clearApiKey: boolean;
  headers: HeaderLine[];
  caPem: string;
  region: string;
  endpoint: string;
  controlEndpoint: string;
  stsEndpoint: string;
  agentRuntimeEndpoint: string;
  agentEndpoint: string;
  fips: boolean;
  proxy: string;
  proxyUser: string;
  proxyPassword: string;
  credentials: NonNullable<ConnectionSettings["credentials"]>;
  profile: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  bearerToken: string;
  roles: RoleForm[];
}

/** A form with nothing in it yet. */
export function blank(kind: ConnectionKind, name = "", baseUrl = ""): DraftForm {
  return {
    name,
    kind,
    enabled: true,
    baseUrl,
    country: "",
    apiKey: "",
    clearApiKey: false,
    headers: [],
    caPem: "",
    region: "ap-northeast-1",
    endpoint: "",
    controlEndpoint: "",
    stsEndpoint: "",
    agentRuntimeEndpoint: "",
    agentEndpoint: "",
    fips: false,
    proxy: "",
    proxyUser: "",
    proxyPassword: "",
    credentials: "default",
    profile: "",
    accessKeyId: "",
    secretAccessKey: "",
    sessionToken: "",
    bearerToken: "",
    roles: [],
  };
}

const headerPrefix = "headers.";

/** The form of a connection that exists. Of its secrets only the names are known here. */
export function formOf(c: Connection): DraftForm {
  return {
    ...blank(c.kind, c.name, c.settings.baseUrl),
    enabled: c.enabled,
    headers: [
      ...Object.entries(c.settings.headers ?? {}).map(([name, value]) => ({ name, value, secret: false })),
      ...c.secretNames.filter((s) => s.startsWith(headerPrefix)).map((s) => ({ name: s.slice(headerPrefix.length), value: "", secret: true, stored: true })),
    ],
    country: c.settings.country ?? "",
    roles: (c.settings.roles ?? []).map(roleFormOf),
    caPem: c.settings.caPem ?? "",
    region: c.settings.region ?? "",
    endpoint: c.settings.endpoint ?? "",
    controlEndpoint: c.settings.controlEndpoint ?? "",
    stsEndpoint: c.settings.stsEndpoint ?? "",
    agentRuntimeEndpoint: c.settings.agentRuntimeEndpoint ?? "",
    agentEndpoint: c.settings.agentEndpoint ?? "",
    fips: c.settings.fips ?? false,
    proxy: c.settings.proxy ?? "",
    proxyUser: c.settings.proxyUser ?? "",
    credentials: c.settings.credentials ?? "default",
    profile: c.settings.profile ?? "",
  };
}

/** The entries that hold something. */
function given<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== "" && v !== undefined && !(typeof v === "object" && Object.keys(v as object).length === 0))) as T;
}

/** Who logs in to the proxy: nobody without one. */
function proxyUserOf(f: DraftForm): string {
  return f.kind !== "demo" && f.proxy.trim() ? f.proxyUser.trim() : "";
}

function settingsOf(f: DraftForm, before: ConnectionSettings): ConnectionSettings {
  const headers = Object.fromEntries(f.headers.filter((h) => !h.secret && h.name.trim()).map((h) => [h.name.trim(), h.value]));
  const caPem = f.caPem.trim();
  const caFile = caPem ? "" : before.caFile; // set by the API only; kept
  switch (f.kind) {
    case "openai":
      return given({ baseUrl: f.baseUrl.trim(), country: f.country.trim().toUpperCase(), headers, caPem, caFile, proxy: f.proxy.trim(), proxyUser: proxyUserOf(f) });
    case "bedrock":
      return given({
        region: f.region.trim(),
        endpoint: f.endpoint.trim(),
        controlEndpoint: f.controlEndpoint.trim(),
        stsEndpoint: f.stsEndpoint.trim(),
        agentRuntimeEndpoint: f.agentRuntimeEndpoint.trim(),
        agentEndpoint: f.agentEndpoint.trim(),
        fips: (f.fips && hasFips(f.region)) || undefined,
        proxy: f.proxy.trim(),
        proxyUser: proxyUserOf(f),
        credentials: f.credentials,
        profile: f.credentials === "profile" ? f.profile.trim() : "",
        roles: f.credentials === "bearer" ? [] : f.roles.map(roleOf), // an API key assumes none
        caPem,
        caFile,
      });
    case "demo":
      return {};
  }
}

function secretOf(f: DraftForm, storedNames: string[]): ConnectionSecret {
  return { ...keysOf(f, storedNames), ...given({ proxyPassword: proxyUserOf(f) && f.proxyPassword.trim() }) };
}

function keysOf(f: DraftForm, storedNames: string[]): ConnectionSecret {
  if (f.kind === "openai") {
    const headers: Record<string, string> = {};
    for (const h of f.headers) if (h.secret && h.name.trim() && h.value !== "") headers[h.name.trim()] = h.value;
    // A stored header that is gone from the form goes from the store: "" removes.
    const left = new Set(f.headers.filter((h) => h.secret).map((h) => h.name.trim().toLowerCase()));
    for (const s of storedNames) {
      const name = s.startsWith(headerPrefix) ? s.slice(headerPrefix.length) : "";
      if (name && !left.has(name.toLowerCase())) headers[name] = "";
    }
    const secret: ConnectionSecret = given({ apiKey: f.apiKey.trim(), headers });
    if (f.clearApiKey && !secret.apiKey) secret.apiKey = "";
    return secret;
  }
  if (f.kind === "bedrock" && f.credentials === "static") return given({ accessKeyId: f.accessKeyId.trim(), secretAccessKey: f.secretAccessKey.trim(), sessionToken: f.sessionToken.trim() });
  if (f.kind === "bedrock" && f.credentials === "bearer") return given({ bearerToken: f.bearerToken.trim() });
  return {};
}

/** What is sent: only the settings of the kind, and only the secrets that change. */
export function draftOf(f: DraftForm, before?: Connection): ConnectionDraft {
  const draft: ConnectionDraft = { name: f.name.trim(), kind: f.kind, enabled: f.enabled, settings: settingsOf(f, before?.settings ?? {}) };
  const secret = secretOf(f, before?.secretNames ?? []);
  if (Object.keys(secret).length > 0) draft.secret = secret;
  return draft;
}

/** Whether AWS has FIPS endpoints of Bedrock in a region. */
export function hasFips(region: string): boolean {
  return /^(us|ca)-/.test(region.trim());
}

/** Whether a name or a password stands in an address. */
export function hasLogin(text: string): boolean {
  return /^[a-z]+:\/\/[^/?#]*@/i.test(text.trim());
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
