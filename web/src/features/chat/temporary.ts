import { reportSessionEnd } from "@/lib/api/client";
import { toApiError } from "@/lib/api/error";
import type { Schemas } from "@/lib/api/types";
import { type LinePlace, streamAnswer } from "@/lib/stream";
import { type Attachment, type Choice, type Message, type TextPart, temporaryUrl } from "./api";
import { partOf } from "./attachable";
import { type Draft, newClientId } from "./drafts";
import { contentOf, inPage } from "./file-keeper";
import { finalMessage, mergeParts } from "./run-hub";

/** How a temporary conversation stands. Never mutated: a change makes a new one. */
export interface TalkView {
  messages: readonly Message[];
  running: boolean;
  /** Where in line the answer stands that is to come. */
  line?: LinePlace | undefined;
}

/**
 * A conversation that this page alone holds: no store of the browser and none of
 * the server has its words. Each turn sends the whole of it.
 */
export class TemporaryTalk {
  private view: TalkView = { messages: [], running: false };
  private readonly listeners = new Set<() => void>();
  private stopping: AbortController | undefined;

  readonly getSnapshot = () => this.view;

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Asks, and is done when the answer has ended, however it did. Rejects when the turn was refused: then nothing was said. */
  async ask({ text, attachments }: Draft, choice: Choice): Promise<void> {
    const before = this.view.messages;
    const question: Message = {
      id: newClientId(),
      role: "user",
      status: "complete",
      parts: [...(text === "" ? [] : [{ type: "text", text } as const]), ...attachments.map(partOf)],
      createdAt: new Date().toISOString(),
      ...follows(before),
    };
    try {
      await this.answer([...before, question], choice);
    } catch (error) {
      this.tell({ messages: before, running: false });
      throw error;
    }
  }

  /** Asks for the last answer anew, in the place of the one there is. */
  async retry(choice: Choice): Promise<void> {
    const before = this.view.messages;
    try {
      await this.answer(before.slice(0, before.findLastIndex((message) => message.role === "user") + 1), choice);
    } catch (error) {
      this.tell({ messages: before, running: false });
      throw error;
    }
  }

  /** Ends the answer that is being written; what was said stays. */
  stop(): void {
    this.stopping?.abort();
  }

  /** Forgets everything. */
  clear(): void {
    this.stop();
    this.stopping = undefined; // what it still says is not heard any more
    for (const { parts } of this.view.messages) for (const part of parts) if ("attachmentId" in part) inPage.forget(part.attachmentId);
    this.tell({ messages: [], running: false });
  }

  private async answer(said: readonly Message[], choice: Choice): Promise<void> {
    const stopping = (this.stopping = new AbortController());
    let answer: Message = { id: newClientId(), role: "assistant", status: "running", parts: [], createdAt: new Date().toISOString(), ...follows(said) };
    let begun = false;
    const show = (next: Message, running: boolean, line?: LinePlace) => {
      answer = next;
      if (this.stopping === stopping) this.tell({ messages: [...said, next], running, line });
    };
    show(answer, true);
    try {
      const view = await streamAnswer({
        url: temporaryUrl,
        body: { ...choice, messages: await Promise.all(said.map(wire)) } satisfies Schemas["TemporaryTurn"],
        signal: stopping.signal,
        onChange: (so) => {
          begun = true;
          show({ ...answer, parts: mergeParts([], so) }, true, so.line);
        },
      });
      show(finalMessage(answer, view), false);
    } catch (failed) {
      const finishedAt = new Date().toISOString();
      if (stopping.signal.aborted) return show({ ...answer, status: "stopped", finishedAt }, false);
      const error = toApiError(failed);
      reportSessionEnd(error);
      if (!begun) throw error;
      show({ ...answer, status: "failed", error: { code: error.code, params: error.params, detail: error.detail }, finishedAt }, false);
    }
  }

  private tell(view: TalkView): void {
    this.view = view;
    for (const listener of this.listeners) listener();
  }
}

const follows = (before: readonly Message[]) => {
  const last = before.at(-1);
  return last && { parentId: last.id };
};

/** A message as the API takes it. What a model thought is not given back to it. */
async function wire({ role, parts }: Message): Promise<Schemas["TemporaryMessage"]> {
  const text = parts.filter((part): part is TextPart => part.type === "text").map((part) => part.text);
  const files = parts.flatMap((part) => ("attachmentId" in part ? [part] : []));
  return {
    role,
    text: text.join("\n\n"),
    ...(files.length > 0 && { files: await Promise.all(files.map(async ({ attachmentId, name }) => ({ name, data: await contentOf(attachmentId) }))) }),
  };
}

/** Whether what is drafted would be lost with the page. */
export const isWritten = ({ text, attachments }: { text: string; attachments: readonly Attachment[] }) => text.trim() !== "" || attachments.length > 0;
