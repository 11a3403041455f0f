/** PCM of 16 bits at 24,000 Hz, as the Realtime API takes and gives it. */
const bytesPerSecond = 48_000;
const inputTokensPerSecond = 10;
/** Spoken tokens of a word, and its sound: a twentieth of a second. */
const tokensPerWord = 4;
const bytesPerWord = bytesPerSecond / 20;

export function audioMs(bytes: number): number {
  return Math.round((bytes * 1_000) / bytesPerSecond);
}

/** A second of input audio has ten tokens; what has begun counts. */
export function audioTokens(bytes: number): number {
  return Math.ceil((bytes * inputTokensPerSecond) / bytesPerSecond);
}

export function spokenTokens(words: number): number {
  return words * tokensPerWord;
}

/** The sound of a word: bytes that are no silence. */
export function spokenWord(word: string): string {
  return Buffer.alloc(bytesPerWord, word === '' ? 'x' : word).toString('base64');
}

/** Whether it is silence: zeros. Everything else is speech. */
export function isSilence(audio: Buffer): boolean {
  return audio.every((byte) => byte === 0);
}
