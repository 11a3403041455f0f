import type { Faults } from './faults.ts';

/** Tokens of one call. Cached tokens are part of the input, reasoning tokens part of the output. */
export interface TokenUsage {
  input: number;
  cached: number;
  output: number;
  reasoning: number;
  /** Tokens that were written to the cache, for five minutes and for an hour: a part of the input. Absent: none. */
  written?: { short: number; long: number };
  /** Units other than tokens. Absent where the call is not billed by them. */
  images?: number;
  seconds?: number;
  characters?: number;
  /** The parts that are audio. Absent where a call has none. */
  inputAudio?: number;
  cachedAudio?: number;
  outputAudio?: number;
}

export const noUsage: TokenUsage = { input: 0, cached: 0, output: 0, reasoning: 0 };

/** The sandbox's only counting rule: a token is four bytes of UTF-8; the last one may be shorter. */
export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / 4);
}

export function tokensOfText(text: string): number {
  return tokensOfBytes(Buffer.byteLength(text));
}

/** Usage of a call with `inputBytes` of prompt. Cached, written and reasoning tokens of faults are added. */
export function usageOf(inputBytes: number, outputTokens: number, reasoning: number, faults: Faults): TokenUsage {
  const cached = faults.cached ?? 0;
  const written = { short: faults.written ?? 0, long: faults['written-1h'] ?? 0 };
  const input = tokensOfBytes(inputBytes) + cached + written.short + written.long;
  const isWritten = written.short + written.long > 0;
  return { input, cached, output: outputTokens + reasoning, reasoning, ...(isWritten && { written }) };
}
