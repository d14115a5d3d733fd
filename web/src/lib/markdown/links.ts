/** A link that may be followed: its address and, outside our own host, where it leads. */
export interface SafeLink {
  href: string;
  host: string;
}

const schemes = new Set(["http:", "https:", "mailto:"]);

/** Whether and where a link written by a model may lead; undefined for everything else. */
export function safeLink(url: string): SafeLink | undefined {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return undefined; // relative: nothing a model writes leads into this application
  }
  if (!schemes.has(parsed.protocol)) return undefined;
  // A name before the host reads as the host: https://city.example.jp@evil.example/
  if (parsed.protocol !== "mailto:" && (parsed.username !== "" || parsed.password !== "")) return undefined;
  return { href: parsed.href, host: parsed.protocol === "mailto:" ? "" : parsed.host };
}

const attachment = /^\/api\/v1\/attachments\/[A-Za-z0-9-]{1,64}\/content$/;

/**
 * Whether an image may be loaded: only files of the conversation. Anything else
 * would tell its host what was asked and answered.
 */
export function safeImage(url: string): string | undefined {
  return attachment.test(url) ? url : undefined;
}

/**
 * Cuts a bare address where Japanese text begins: "https://example.jpを開く" is
 * an address and two words, not one long address.
 */
export function splitBareLink(text: string): [address: string, rest: string] {
  const at = text.search(/[\u2010-\uffff]/u);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at)];
}
