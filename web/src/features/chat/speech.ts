/** Samples a second: what speech models hear at. */
const rate = 16_000;
const headBytes = 44;

/** Less than this in every sample is a microphone that is off, not a quiet voice. */
const silence = 0.002;

/** How many seconds of speech fit into so many bytes. */
export function secondsIn(bytes: number): number {
  return Math.floor((bytes - headBytes) / (2 * rate));
}

/** What was said, ready to be sent. */
export interface Speech {
  sound: Blob;
  /** Nothing was heard: a model would invent words for it. */
  silent: boolean;
}

/**
 * Makes WAV of what the browser has recorded: browsers record into containers
 * that many speech servers cannot read, and WAV they all do. What cannot be
 * decoded here is sent as it is.
 */
export async function speechOf(recorded: Blob, mostSeconds: number): Promise<Speech> {
  let sound: AudioBuffer;
  try {
    // Decoding brings it to the rate of the context.
    sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await recorded.arrayBuffer());
  } catch {
    return { sound: recorded, silent: recorded.size === 0 };
  }
  const samples = mixed(sound).subarray(0, mostSeconds * rate);
  return { sound: wavOf(samples), silent: samples.every((sample) => Math.abs(sample) < silence) };
}

/** All channels as one. */
function mixed(sound: AudioBuffer): Float32Array {
  const out = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    const samples = sound.getChannelData(channel);
    for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + (samples[i] ?? 0) / sound.numberOfChannels;
  }
  return out;
}

/** A WAV file of 16 bits a sample. */
export function wavOf(samples: Float32Array): Blob {
  const out = new DataView(new ArrayBuffer(headBytes + 2 * samples.length));
  const word = (at: number, text: string) => [...text].forEach((c, i) => out.setUint8(at + i, c.charCodeAt(0)));
  word(0, "RIFF");
  out.setUint32(4, out.byteLength - 8, true);
  word(8, "WAVEfmt ");
  out.setUint32(16, 16, true);
  out.setUint16(20, 1, true); // PCM
  out.setUint16(22, 1, true);
  out.setUint32(24, rate, true);
  out.setUint32(28, 2 * rate, true);
  out.setUint16(32, 2, true);
  out.setUint16(34, 16, true);
  word(36, "data");
  out.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => out.setInt16(headBytes + 2 * i, Math.round(Math.max(-1, Math.min(1, sample)) * 0x7fff), true));
  return new Blob([out.buffer], { type: "audio/wav" });
}

/** Ends like a word or a sentence of a language that is written with spaces, or begins like one. */
const endsWord = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Hangul}\p{N}.,;:!?)\]"'”’]$/u;
const beginsWord = /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Hangul}\p{N}]/u;

/** Puts words into a text, with spaces where the language has them, and says where the caret is then. */
export function withWords(text: string, at: number, words: string): { text: string; caret: number } {
  const before = text.slice(0, at);
  const after = text.slice(at);
  const put = (endsWord.test(before) && beginsWord.test(words) ? " " : "") + words + (endsWord.test(words) && beginsWord.test(after) ? " " : "");
  return { text: before + put + after, caret: at + put.length };
}
