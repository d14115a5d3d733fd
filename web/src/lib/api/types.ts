import type { components } from "./schema";

// The API's shapes as this UI names them. Each is an alias of what the server
// describes in api/openapi.json; nothing is said twice.

/** Every shape of the API by the server's name. */
export type Schemas = components["schemas"];

/** A page of a list. */
export interface List<T> {
  items: T[];
  nextPageToken?: string;
}

export type Preferences = Schemas["Preferences"];
export type Locale = Exclude<Preferences["locale"], "">;
export type Theme = Preferences["theme"];
export type SendKey = Preferences["sendKey"];
export type Density = Preferences["density"];
export type Calendar = Preferences["calendar"];

export type Me = Schemas["Me"];
export type Session = Schemas["Session"];

/** A model as the person who may use it sees it. */
export type Model = Schemas["Offer"];
export type Place = Schemas["Place"];
export type Capabilities = Schemas["Capabilities"];
export type Parameters = Schemas["Parameters"];

export type Account = Schemas["Account"];
export type Permission = Me["account"]["permissions"][number];
export type Group = Schemas["Group"];
export type Member = Schemas["Member"];

export type Connection = Schemas["Connection"];
export type ConnectionKind = Connection["kind"];
export type ConnectionSettings = Schemas["ConnectionSettings"];
export type ConnectionSecret = Schemas["ConnectionSecret"];
export type ConnectionDraft = Schemas["ConnectionDraft"];
export type CheckStep = Schemas["CheckStep"];
/** What the residency policy says of a model. */
export type Decision = Schemas["Decision"];
export type ResidencyPolicy = Schemas["ResidencyPolicy"];
export type ResidencyRule = Schemas["ResidencyRule"];
export type Foreseen = Schemas["Foreseen"];
export type AssumedRole = Schemas["AssumedRole"];
export type DetectedServer = Schemas["Detected"];
/** What turns speech into text. */
export type Transcriber = Schemas["Transcriber"];
export type RemoteModel = Schemas["RemoteModel"];

/** A model as its administrator sees it. */
export type CatalogueModel = Schemas["CatalogueModel"];
export type ModelDraft = Schemas["ModelDraft"];
export type ModelChange = Schemas["ModelChange"];

export type Status = Schemas["Status"];
