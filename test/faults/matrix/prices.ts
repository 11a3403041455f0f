import type { Pico } from './ledger.ts';

/** What a provider has counted of a request. */
export interface Counted {
  readonly model: string | null;
  readonly endpoint: string;
  readonly input_tokens: number;
  readonly cached_tokens: number;
  readonly output_tokens: number;
  readonly audio_seconds: number | null;
}

/** Dollars for a million tokens, as on the provider's page of prices. Not from the product's own list, which is tested by them. */
const prices: Readonly<Record<string, { input: number; cached?: number; audio?: number; output: number }>> = {
  'gpt-4o-mini': { input: 0.15, cached: 0.075, output: 0.6 },
  'gpt-4o-transcribe': { input: 2.5, audio: 6, output: 10 },
  'gpt-realtime': { input: 4, cached: 0.4, output: 16 },
  'text-embedding-3-small': { input: 0.02, output: 0 },
};
const audioTokensPerSecond = 10;
/** What a batch costs of the usual price. */
const batchRatio = 0.5;

/** @throws where the model is none of the matrix, since its price would be made up */
export function billOf(counted: Counted): Pico {
  const { input_tokens: input, cached_tokens: cached, output_tokens: output } = counted;
  if (input + output === 0) return 0;
  const model = Object.keys(prices).find((name) => counted.model === name || counted.model?.startsWith(`${name}-20`));
  const price = prices[model ?? ''];
  if (!price) throw new Error(`The matrix has no price for ${counted.model}`);
  const audio = price.audio === undefined ? 0 : (counted.audio_seconds ?? 0) * audioTokensPerSecond;
  const dollarsPerMillion =
    (input - cached - audio) * price.input +
    cached * (price.cached ?? price.input) +
    audio * (price.audio ?? 0) +
    output * price.output;
  return Math.round(dollarsPerMillion * 1e6 * (counted.endpoint === '/v1/batches' ? batchRatio : 1));
}
