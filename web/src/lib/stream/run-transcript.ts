import {
  type LinePlace,
  type Place,
  type RunEvent,
  type RunMetadata,
  type TextKind,
  formatPlace,
  parsePlace,
} from "./run-events";
import { dropUtf8, utf8Length } from "./utf8";

/** One part of an answer as far as it has come. */
export interface TextPart {
  type: TextKind;
  text: string;
  /** The part is closed: nothing will be added to it. */
  closed: boolean;
}

/** An answer as far as it has come. Never mutated: a change makes a new one. */
export interface RunSnapshot {
  messageId?: string;
  parts: readonly TextPart[];
  metadata: RunMetadata;
  /** It waits for its turn. */
  line?: LinePlace;
  /** The stream has said its last word. */
  done: boolean;
}

/** What applying an event meant. "gap": bytes are missing; ask again from `place`. */
export type Applied = "changed" | "same" | "gap";

interface Slot extends TextPart {
  bytes: number;
}

/**
 * Puts an answer together from the events of its stream, wherever the stream is
 * joined and however often it is joined again. Event ids are byte offsets, so a
 * delta that was seen before adds nothing, one that overlaps adds its new end,
 * and one that would leave a hole is refused.
 */
export class RunTranscript {
  private slots: Slot[] = [];
  private messageId: string | undefined;
  private metadata: RunMetadata = {};
  private line: LinePlace | undefined;
  private done = false;
  private current: RunSnapshot | undefined;

  constructor(seed: readonly { type: TextKind; text: string }[] = []) {
    this.reset(seed);
  }

  /** Forgets everything and starts from `seed`, the parts as the store has them. */
  reset(seed: readonly { type: TextKind; text: string }[] = []): void {
    this.slots = seed.map((part, i) => ({
      type: part.type,
      text: part.text,
      bytes: utf8Length(part.text),
      closed: i < seed.length - 1,
    }));
    this.messageId = undefined;
    this.metadata = {};
    this.line = undefined;
    this.done = false;
    this.current = undefined;
  }

  /** Nobody tells any more where in line it stands; the stream does when it is joined again. */
  leaveLine(): void {
    this.line = undefined;
    this.current = undefined;
  }

  /** Where the next byte belongs, as Last-Event-ID; undefined at the very beginning. */
  get place(): string | undefined {
    const last = this.slots.length - 1;
    const slot = this.slots[last];
    if (!slot || (last === 0 && slot.bytes === 0)) return undefined;
    return formatPlace({ part: last, byte: slot.bytes });
  }

  get snapshot(): RunSnapshot {
    this.current ??= {
      ...(this.messageId !== undefined && { messageId: this.messageId }),
      parts: this.slots.map(({ type, text, closed }) => ({ type, text, closed })),
      metadata: this.metadata,
      ...(this.line && { line: this.line }),
      done: this.done,
    };
    return this.current;
  }

  /** Takes one event with the id it came with. */
  apply(event: RunEvent, id?: string): Applied {
    switch (event.type) {
      case "start":
        this.messageId = event.messageId ?? this.messageId;
        return this.merge(event.metadata ?? {});
      case "part-start":
        return this.open(event.part, event.kind) ? this.changed() : "same";
      case "delta":
        return this.append(event.part, event.kind, event.delta, parsePlace(id));
      case "part-end": {
        const slot = this.slots[event.part];
        if (!slot || slot.closed) return "same";
        slot.closed = true;
        return this.changed();
      }
      case "metadata":
        return this.merge(event.metadata);
      case "line":
        this.line = event.place;
        return this.changed();
      case "error":
        return this.merge({
          status: this.metadata.status ?? "failed",
          ...(!this.metadata.error && { error: { code: "model_failed", detail: event.text } }),
        });
      case "abort":
        return this.merge({ status: this.metadata.status ?? "stopped" });
      case "finish":
        return this.merge(event.metadata ?? {});
      case "done":
        this.done = true;
        this.line = undefined;
        return this.changed();
    }
  }

  private append(part: number, kind: TextKind, delta: string, after: Place | undefined): Applied {
    const length = utf8Length(delta);
    const have = this.slots[part]?.bytes ?? 0;
    const end = after?.part === part ? after.byte : have + length;
    if (end <= have) return "same";
    const begin = end - length;
    if (begin > have || begin < 0) return "gap";
    const fresh = begin === have ? delta : dropUtf8(delta, have - begin);
    if (fresh === undefined) return "gap";
    this.open(part, kind);
    this.line = undefined;
    const slot = this.slots[part];
    if (!slot) return "gap";
    slot.text += fresh;
    slot.bytes = end;
    return this.changed();
  }

  /**
   * Makes the part where it is not there yet, and closes those before it. A part
   * that is passed over has nothing to show (reasoning the provider encrypted).
   */
  private open(part: number, kind: TextKind): boolean {
    if (this.slots[part]) return false;
    for (const before of this.slots) before.closed = true;
    while (this.slots.length < part) this.slots.push({ type: "reasoning", text: "", bytes: 0, closed: true });
    this.slots.push({ type: kind, text: "", bytes: 0, closed: false });
    return true;
  }

  private merge(metadata: RunMetadata): Applied {
    const given = Object.entries(metadata).filter(([, value]) => value !== undefined && value !== null);
    if (given.length === 0) return "same";
    this.metadata = { ...this.metadata, ...Object.fromEntries(given) };
    return this.changed();
  }

  private changed(): Applied {
    this.current = undefined;
    return "changed";
  }
}
