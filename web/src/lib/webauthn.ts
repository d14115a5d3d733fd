/** Passkeys in the JSON of the server. */

/** Why the browser made no answer; the words are in the namespace security. */
export type PasskeyTrouble = "unsupported" | "dismissed" | "existing" | "wrongAddress" | "notMade";

/** The browser or its person made no answer. */
export class PasskeyError extends Error {
  constructor(
    readonly trouble: PasskeyTrouble,
    options?: ErrorOptions,
  ) {
    super(trouble, options);
    this.name = "PasskeyError";
  }
}

/** Whether this browser knows passkeys. */
export const knowsPasskeys = () => typeof window.PublicKeyCredential === "function" && "credentials" in navigator;

function bytes(text: string): ArrayBuffer {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0)).buffer;
}

function text(buffer: ArrayBuffer): string {
  const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

interface Described {
  id: string;
  type: "public-key";
  transports?: AuthenticatorTransport[];
}

const described = (list: Described[] | undefined) => list?.map((c) => ({ ...c, id: bytes(c.id) }));

async function asked<T>(question: Promise<T | null>): Promise<T> {
  try {
    const answer = await question;
    if (answer) return answer;
  } catch (err) {
    const name = err instanceof DOMException ? err.name : "";
    if (name === "NotAllowedError" || name === "AbortError") throw new PasskeyError("dismissed", { cause: err });
    if (name === "SecurityError") throw new PasskeyError("wrongAddress", { cause: err });
    if (name === "InvalidStateError") throw new PasskeyError("existing", { cause: err });
    throw new PasskeyError("notMade", { cause: err });
  }
  throw new PasskeyError("notMade");
}

function credentialOf(credential: PublicKeyCredential, response: object) {
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response,
  };
}

/** Makes a passkey as the server asks. */
export async function createPasskey(options: unknown): Promise<unknown> {
  if (!knowsPasskeys()) throw new PasskeyError("unsupported");
  const o = options as Omit<PublicKeyCredentialCreationOptions, "challenge" | "user" | "excludeCredentials"> & {
    challenge: string;
    user: { id: string; name: string; displayName: string };
    excludeCredentials?: Described[];
  };
  const publicKey = { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: described(o.excludeCredentials) } as PublicKeyCredentialCreationOptions;
  const credential = (await asked(navigator.credentials.create({ publicKey }))) as PublicKeyCredential;
  const response = credential.response as AuthenticatorAttestationResponse;
  return credentialOf(credential, {
    clientDataJSON: text(response.clientDataJSON),
    attestationObject: text(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  });
}

/** Proves a passkey as the server asks. quiet: it is offered among the names that the field of the address suggests. */
export async function provePasskey(options: unknown, { quiet = false, signal }: { quiet?: boolean; signal?: AbortSignal } = {}): Promise<unknown> {
  if (!knowsPasskeys()) throw new PasskeyError("unsupported");
  const o = options as Omit<PublicKeyCredentialRequestOptions, "challenge" | "allowCredentials"> & { challenge: string; allowCredentials?: Described[] };
  const publicKey = { ...o, challenge: bytes(o.challenge), allowCredentials: described(o.allowCredentials) } as PublicKeyCredentialRequestOptions;
  const credential = (await asked(navigator.credentials.get({ publicKey, signal, ...(quiet && { mediation: "conditional" as const }) }))) as PublicKeyCredential;
  const response = credential.response as AuthenticatorAssertionResponse;
  return credentialOf(credential, {
    clientDataJSON: text(response.clientDataJSON),
    authenticatorData: text(response.authenticatorData),
    signature: text(response.signature),
    userHandle: response.userHandle ? text(response.userHandle) : undefined,
  });
}

/** Whether the browser can offer passkeys where the address is typed. */
export async function offersQuietly(): Promise<boolean> {
  return knowsPasskeys() && (await PublicKeyCredential.isConditionalMediationAvailable?.()) === true;
}
