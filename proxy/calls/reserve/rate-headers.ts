import type { Claim } from '../../quota/claim.ts';

/**
 * The headers that tell how much of the tightest rule is left, in OpenAI's form. Of several rules, the one with the
 * smallest part left is the tightest.
 *
 * @see https://platform.openai.com/docs/guides/rate-limits
 */
export function rateHeaders(claims: readonly Claim[], nowMs: number): Record<string, string> | undefined {
  let requests: Claim | undefined;
  let tokens: Claim | undefined;
  for (const claim of claims) {
    if (!claim.by.enforces) continue;
    const { unit } = claim.slice.counter;
    if (unit === 'requests') requests = tighter(requests, claim);
    else if (unit === 'tokens' || unit === 'input_tokens' || unit === 'output_tokens') tokens = tighter(tokens, claim);
  }
  if (!requests && !tokens) return undefined;
  const headers: Record<string, string> = {};
  if (requests) {
    headers['x-ratelimit-limit-requests'] = String(requests.slices.amount());
    headers['x-ratelimit-remaining-requests'] = String(requests.slice.remaining());
    const { endMs } = requests.slice.counter;
    if (endMs !== undefined) headers['x-ratelimit-reset-requests'] = showDuration(endMs - nowMs);
  }
  if (tokens) {
    headers['x-ratelimit-limit-tokens'] = String(tokens.slices.amount());
    headers['x-ratelimit-remaining-tokens'] = String(tokens.slice.remaining());
    const { endMs } = tokens.slice.counter;
    if (endMs !== undefined) headers['x-ratelimit-reset-tokens'] = showDuration(endMs - nowMs);
  }
  return headers;
}

function tighter(one: Claim | undefined, other: Claim): Claim {
  return one && partLeft(one) <= partLeft(other) ? one : other;
}

function partLeft({ slice, slices }: Claim): number {
  return slice.remaining() / slices.amount();
}

/** A duration such as `6m0s`, rounded up to seconds. */
export function showDuration(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const ofMinutes = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${ofMinutes}`;
  return minutes > 0 ? `${minutes}m${ofMinutes}` : ofMinutes;
}
