import { isAbort } from "@/lib/api/error";
import { speechOf } from "./speech";

/** Why there is nothing to turn into text; speaking again may help. */
export type Trouble = "denied" | "missing" | "busy" | "silent";

/** Where a dictation is. */
export type Step =
  | { name: "idle" }
  /** The browser asks for the microphone. */
  | { name: "asking" }
  | { name: "recording"; since: number }
  /** `cut`: the time was up. */
  | { name: "transcribing"; cut: boolean }
  | { name: "trouble"; trouble: Trouble }
  /** The server could not; the recording is still here. */
  | { name: "failed"; error: unknown };

type Transcribe = (sound: Blob, signal: AbortSignal) => Promise<string>;

const idle: Step = { name: "idle" };

/** One person's speech on its way to text. What was recorded is on this page only, until it is text. */
export class Dictation {
  private step: Step = idle;
  private readonly listeners = new Set<() => void>();
  /** Counts dictations: what belongs to an older one is ignored. */
  private turn = 0;
  private stream: MediaStream | undefined;
  private recorder: MediaRecorder | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private request: AbortController | undefined;
  private sound: Blob | undefined;
  private transcribe: Transcribe | undefined;
  private onWords: ((words: string) => void) | undefined;

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly getSnapshot = () => this.step;

  private go(step: Step) {
    this.step = step;
    for (const listener of this.listeners) listener();
  }

  /** Records until finish, or until the time is up. */
  async start(mostSeconds: number, transcribe: Transcribe, onWords: (words: string) => void): Promise<void> {
    if (this.step.name !== "idle" && this.step.name !== "trouble") return;
    const turn = ++this.turn;
    this.transcribe = transcribe;
    this.onWords = onWords;
    this.go({ name: "asking" });
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      if (turn !== this.turn) return release(stream);
      this.stream = stream;
      this.record(turn, stream, mostSeconds);
    } catch (error) {
      if (turn !== this.turn) return;
      this.letGo();
      this.go({ name: "trouble", trouble: troubleOf(error) });
    }
  }

  private record(turn: number, stream: MediaStream, mostSeconds: number) {
    const pieces: Blob[] = [];
    const recorder = (this.recorder = new MediaRecorder(stream));
    let cut = false;
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    // It also stops by itself, when the microphone is pulled out.
    recorder.onstop = () => void this.prepare(turn, new Blob(pieces, { type: recorder.mimeType }), mostSeconds, cut);
    recorder.start();
    this.timer = setTimeout(() => {
      cut = true;
      this.finish();
    }, mostSeconds * 1000);
    this.go({ name: "recording", since: Date.now() });
  }

  /** Ends the recording and has it turned into text. */
  finish(): void {
    if (this.step.name === "recording" && this.recorder?.state === "recording") this.recorder.stop();
  }

  private async prepare(turn: number, recorded: Blob, mostSeconds: number, cut: boolean) {
    if (turn !== this.turn) return;
    this.letGo();
    this.go({ name: "transcribing", cut });
    const { sound, silent } = await speechOf(recorded, mostSeconds);
    if (turn !== this.turn) return;
    if (silent) return this.go({ name: "trouble", trouble: "silent" });
    this.sound = sound;
    await this.send(turn);
  }

  /** Sends the same recording again. */
  retry(): void {
    if (this.step.name !== "failed") return;
    this.go({ name: "transcribing", cut: false });
    void this.send(this.turn);
  }

  private async send(turn: number) {
    const { sound, transcribe } = this;
    if (!sound || !transcribe) return;
    const request = (this.request = new AbortController());
    try {
      const words = await transcribe(sound, request.signal);
      if (turn !== this.turn) return;
      this.sound = undefined;
      if (words === "") return this.go({ name: "trouble", trouble: "silent" });
      this.go(idle);
      this.onWords?.(words);
    } catch (error) {
      if (turn === this.turn && !isAbort(error)) this.go({ name: "failed", error });
    }
  }

  /** Forgets what was said. */
  cancel(): void {
    this.turn++;
    this.request?.abort();
    this.sound = undefined;
    const { recorder } = this;
    this.letGo();
    if (recorder && recorder.state !== "inactive") recorder.stop();
    if (this.step !== idle) this.go(idle);
  }

  /** Gives the microphone back; the browser's sign of it goes out. */
  private letGo() {
    clearTimeout(this.timer);
    release(this.stream);
    this.stream = undefined;
    this.recorder = undefined;
  }
}

function release(stream: MediaStream | undefined) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function troubleOf(error: unknown): Trouble {
  switch (error instanceof Error || error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
  }
  return "busy";
}
