import type { Faults } from './faults.ts';

/** Tokens of one call. Cached tokens are part of the input, reasoning tokens part of the output. */
export interface TokenUsage {
  input: number;
  cached: number;
  output: number;
  reasoning: number;
  /** What is billed by other units; absent where that is none of the call's. */
  images?: number;
  seconds?: number;
  characters?: number;
}

export const noUsage: TokenUsage = { input: 0, cached: 0, output: 0, reasoning: 0 };

/** The sandbox's only rule for counting: a token is four bytes of UTF-8, the last one perhaps shorter. */
export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / 4);
}

export function tokensOfText(text: string): number {
  return tokensOfBytes(Buffer.byteLength(text));
}

/** Usage of a call with `inputBytes` of prompt; cached and reasoning tokens that were asked for come on top. */
export function usageOf(inputBytes: number, outputTokens: number, reasoning: number, faults: Faults): TokenUsage {
  const cached = faults.cached ?? 0;
  return { input: tokensOfBytes(inputBytes) + cached, cached, output: outputTokens + reasoning, reasoning };
}
