import type { QuotaUnit } from '../../../database/quota.ts';
import { ProxyError, type RefusingRule } from '../../error.ts';
import type { Claim, Shortfall } from '../../quota/claim.ts';
import { showDuration } from './rate-headers.ts';
import type { Rule, RuledClaim } from './rules.ts';

/** Until a place for a concurrent call is free. A running call ends soon, unlike a window. */
const placeMs = 1_000;
/** SDKs wait no longer than a minute, so a retry before the window ends is refused again. */
const patienceMs = 60_000;

/** A place in a queue is asked for again soon; a window and a budget when it begins anew. */
export function refusalOf(
  shortfalls: readonly Shortfall[],
  claims: readonly RuledClaim[],
  headers: Readonly<Record<string, string>> | undefined,
  nowMs: number,
): ProxyError {
  const lacking = claims.filter(
    (claim) => claim.by.enforces && shortfalls.some((shortfall) => shortfall.claim === claim),
  );
  const claim = longest(lacking, nowMs);
  if (!claim) return new ProxyError('limit_reached');
  const { rule } = claim.by;
  if (shortfalls.some((shortfall) => shortfall.claim === claim && shortfall.reason === 'unavailable')) {
    const message = `The database cannot be reached, and ${ruleOf(claim)} denies calls that it cannot count; try again`;
    return new ProxyError('quota_unavailable', {
      message,
      rule: refusingRule(rule),
      headers: { ...headers, 'retry-after': '1' },
    });
  }
  const waitMs = resetMs(claim, nowMs);
  const endsAtAll = Number.isFinite(waitMs);
  return new ProxyError(rule.kind === 'budget' ? 'insufficient_quota' : 'limit_reached', {
    message: messageOf(claim, nowMs),
    rule: refusingRule(rule),
    headers: {
      ...headers,
      ...(endsAtAll && { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1_000))) }),
      // SDKs retry unless it says otherwise: OpenAI's at once where Retry-After is longer than that, Anthropic's after weeks.
      ...((!endsAtAll || waitMs > patienceMs) && { 'x-should-retry': 'false' }),
    },
  });
}

/** The claim whose rule refuses for the longest time: until then, a retry is in vain. */
export function longest<C extends Claim>(claims: readonly C[], nowMs: number): C | undefined {
  return claims.toSorted((one, other) => resetMs(other, nowMs) - resetMs(one, nowMs))[0];
}

/** Whether the call may need more than the rule ever lets through, so that no wait helps. */
function isUnmeetable({ smallest, slices }: Claim): boolean {
  return smallest > slices.amount();
}

function refusingRule({ kind, name }: Rule): RefusingRule {
  return { kind, name };
}

function resetMs(claim: Claim, nowMs: number): number {
  const { unit, endMs } = claim.slice.counter;
  if (isUnmeetable(claim)) return Number.POSITIVE_INFINITY;
  if (unit === 'concurrent') return placeMs;
  return endMs === undefined ? Number.POSITIVE_INFINITY : endMs - nowMs;
}

const unitNames: Readonly<Record<QuotaUnit, string>> = {
  requests: 'calls',
  tokens: 'tokens',
  input_tokens: 'input tokens',
  output_tokens: 'output tokens',
  nano_usd: 'US dollars',
  concurrent: 'calls at once',
};

function messageOf(claim: RuledClaim, nowMs: number): string {
  const { slice, slices, amount } = claim;
  const { unit } = slice.counter;
  const limit = showAmount(unit, slices.amount());
  if (unit === 'concurrent') {
    return `A limit of the organization is reached: ${ruleOf(claim)} lets ${limit} ${Number(limit) === 1 ? 'call' : 'calls'} be under way at once; try again in a moment`;
  }
  const reset = resetOf(claim, nowMs);
  const need = unit === 'requests' ? '' : `; this call may need ${showAmount(unit, amount)}`;
  const left = `${showAmount(unit, slice.remaining())} of ${limit} ${unitNames[unit]} are left${need}`;
  const what =
    claim.by.rule.kind === 'budget' ? 'You exceeded your current quota' : 'A limit of the organization is reached';
  return `${what}: of ${ruleOf(claim)} ${left}. ${reset}`;
}

function resetOf(claim: Claim, nowMs: number): string {
  const { endMs } = claim.slice.counter;
  if (isUnmeetable(claim)) return 'It never has enough for this call';
  if (endMs === undefined) return 'It does not begin anew';
  return `It begins anew in ${showDuration(endMs - nowMs)}, at ${new Date(endMs).toISOString()}`;
}

/** Names the rule and whom it counts, such as `limit calls (per User)`. */
function ruleOf({ by: { rule } }: RuledClaim): string {
  const name = rule.kind === 'tier' ? rule.name : `the ${rule.kind} ${rule.name}`;
  return rule.per === 'Organization' ? name : `${name} (per ${rule.per})`;
}

/** Dollars with at most six decimals. */
function showAmount(unit: QuotaUnit, amount: number): string {
  if (unit !== 'nano_usd') return String(amount);
  return (amount / 1e9).toFixed(6).replace(/\.?0+$/, '');
}

/** The refusal of a call whose price is unknown. */
export function unpricedRefusal(rule: Rule, model: string | undefined): ProxyError {
  const { name, per } = rule;
  const which = model === undefined ? 'of a call that names no model' : `of ${JSON.stringify(model.slice(0, 200))}`;
  return new ProxyError('insufficient_quota', {
    param: 'model',
    rule: refusingRule(rule),
    message: `The price ${which} is not known, so the budget ${name}${per === 'Organization' ? '' : ` (per ${per})`} refuses the call; state the price in spec.prices, or unpriced: Allow in the budget`,
    headers: { 'x-should-retry': 'false' },
  });
}
