import type { Claim } from '../../quota/quota.ts';

/**
 * The headers that tell how much of the tightest rule is left, in OpenAI's form. Of several rules, the one with the
 * smallest part left is the tightest.
 *
 * @see https://platform.openai.com/docs/guides/rate-limits
 */
export function rateHeaders(claims: readonly Claim[], nowMs: number): Record<string, string> | undefined {
  const requests = tightest(claims, 'requests');
  const tokens = tightest(claims, 'tokens');
  if (!requests && !tokens) return undefined;
  const headers: Record<string, string> = {};
  if (requests) addHeaders(headers, 'requests', requests, nowMs);
  if (tokens) addHeaders(headers, 'tokens', tokens, nowMs);
  return headers;
}

function tightest(claims: readonly Claim[], kind: 'requests' | 'tokens'): Claim | undefined {
  let found: Claim | undefined;
  let foundPart = Number.POSITIVE_INFINITY;
  for (const claim of claims) {
    const { unit } = claim.slice.counter;
    if (!claim.enforces || (kind === 'requests' ? unit !== 'requests' : !unit.endsWith('tokens'))) continue;
    const part = claim.slice.remaining() / claim.slices.amount();
    if (part >= foundPart) continue;
    found = claim;
    foundPart = part;
  }
  return found;
}

function addHeaders(headers: Record<string, string>, kind: string, { slice, slices }: Claim, nowMs: number): void {
  headers[`x-ratelimit-limit-${kind}`] = String(slices.amount());
  headers[`x-ratelimit-remaining-${kind}`] = String(slice.remaining());
  const { endMs } = slice.counter;
  if (endMs !== undefined) headers[`x-ratelimit-reset-${kind}`] = showDuration(endMs - nowMs);
}

/** A duration such as `6m0s`, rounded up to seconds. */
export function showDuration(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const ofMinutes = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${ofMinutes}`;
  return minutes > 0 ? `${minutes}m${ofMinutes}` : ofMinutes;
}
