/**
 * The API's shapes as this UI names them. Written by hand only until
 * api/openapi.json is published; then each line becomes an alias of the
 * generated schema.
 */

export type Locale = "ja" | "en";
export type Theme = "system" | "light" | "dark";
export type SendKey = "enter" | "ctrlEnter";
export type Role = "administrator" | "member";
export type ConnectionKind = "openai" | "bedrock" | "demo";

export interface List<T> {
  items: T[];
  nextPageToken?: string;
}

export interface SetupState {
  needed: boolean;
  linkValid?: boolean;
}

export interface Preferences {
  locale: Locale | "";
  theme: Theme;
  sendKey: SendKey;
  defaultModelId: string;
}

export interface Me {
  account: { id: string; email: string; name: string; role: Role; mustChangePassword: boolean };
  preferences: Preferences;
  version: string;
}

export interface Session {
  id: string;
  current: boolean;
  userAgent: string;
  address: string;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
}

export interface Capabilities {
  vision: boolean;
  documents: boolean;
  reasoning: boolean;
  tools: boolean;
  contextTokens: number;
  outputTokens: number;
}

export interface Parameters {
  temperature?: number;
  topP?: number;
  maxTokens?: number;
  reasoningEffort?: "none" | "low" | "medium" | "high";
}

/** A model as the person who may use it sees it. */
export interface Model {
  id: string;
  displayName: string;
  description: string;
  capabilities: Capabilities;
  defaults: Parameters;
  connectionKind: ConnectionKind;
  connectionName: string;
  demo: boolean;
  processedAt: string;
  isDefault: boolean;
}

export interface ConversationSummary {
  id: string;
  title: string;
  titleSource: string;
  modelId: string;
  updatedAt: string;
  createdAt: string;
  running: boolean;
}

export interface Account {
  id: string;
  email: string;
  name: string;
  role: Role;
  disabled: boolean;
  mustChangePassword: boolean;
  groupIds: string[];
  createdAt: string;
  lastSignedInAt?: string;
}

export interface Group {
  id: string;
  name: string;
  members: number;
}

export interface Member {
  accountId: string;
  name: string;
  email: string;
}

export interface Connection {
  id: string;
  name: string;
  kind: ConnectionKind;
  enabled: boolean;
  settings: ConnectionSettings;
  /** Which secrets are stored: "apiKey", "headers.X-Team-Key". */
  secretNames: string[];
  createdAt: string;
  updatedAt: string;
}

export interface ConnectionSettings {
  baseUrl?: string;
  headers?: Record<string, string>;
  caPem?: string;
  caFile?: string;
  region?: string;
  endpoint?: string;
  controlEndpoint?: string;
  stsEndpoint?: string;
  credentials?: "default" | "static" | "profile" | "bearer";
  profile?: string;
}

export interface ConnectionSecret {
  apiKey?: string;
  headers?: Record<string, string>;
  accessKeyId?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  bearerToken?: string;
}

export interface ConnectionDraft {
  name: string;
  kind: ConnectionKind;
  enabled: boolean;
  settings: ConnectionSettings;
  secret?: ConnectionSecret;
}

export interface CheckStep {
  name: string;
  ok: boolean;
  code?: string;
  detail?: string;
  elapsedMs: number;
}

export interface DetectedServer {
  kind: ConnectionKind;
  baseUrl: string;
  product: string;
  models: RemoteModel[];
}

export interface RemoteModel {
  id: string;
  name: string;
  capabilities: Capabilities;
}

export interface Price {
  /** "": the price is not known. */
  currency: "JPY" | "USD" | "";
  input: number;
  output: number;
  cacheRead?: number;
  cacheWrite?: number;
}

/** A model as its administrator sees it. */
export interface CatalogueModel {
  id: string;
  connectionId: string;
  remoteId: string;
  displayName: string;
  description: string;
  capabilities: Capabilities;
  defaults: Parameters;
  position: number;
  enabled: boolean;
  groupIds: string[];
  light: boolean;
  fallbackId: string;
  price: Price;
}

export type CatalogueModelDraft = Omit<CatalogueModel, "id" | "position">;

export interface Status {
  version: string;
  startedAt: string;
  store: { engine: "sqlite" | "postgres"; ok: boolean; sizeBytes?: number; schemaVersion: number };
  activeRuns: number;
  memoryBytes: number;
  connections: { id: string; name: string; kind: ConnectionKind; enabled: boolean; state: "ok" | "failing" | "unknown"; code?: string; lastUsedAt?: string }[];
  egress: { destination: string; purpose: string; dials: number; failures: number; refusals: number; bytesSent: number; bytesReceived: number; open: number }[];
}
