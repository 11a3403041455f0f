import type { Body } from '../../providers/json.ts';
import type { Quota } from '../../quota/quota.ts';
import type { Asked, HeldAmount } from './asked.ts';
import type { RuledClaim } from './rules.ts';

export interface Shortened {
  readonly changes: Body;
  readonly headers: Readonly<Record<string, string>>;
}

const nothingHeld: HeldAmount = { amount: 0, spent: 0 };

/**
 * Lowers the output tokens of a call to what its budgets still pay for, and takes that.
 *
 * @returns undefined: the call cannot be shortened enough; then nothing is taken
 */
export function shorten(quota: Quota, { claims, needs, held }: Asked): Shortened | undefined {
  const { input, output, outputField, answers } = needs.tokens();
  const cost = needs.tokenCost();
  if (outputField === undefined || needs.sought.lines || !cost || cost.output === 0) return undefined;
  const nowTicks = quota.clock.ticks();
  const each = Math.floor(output / answers);
  let allowed = each;
  let tightest: RuledClaim | undefined;
  for (const claim of claims) {
    const free = claim.slice.free(nowTicks);
    if (!claim.by.enforces || free >= claim.amount) continue;
    if (!claim.by.rule.shortens || free < claim.smallest) return undefined;
    const { amount, spent } = held?.get(claim) ?? nothingHeld;
    const affordable = Math.floor(((free + amount - spent) * 1_000 - input * cost.input) / (cost.output * answers));
    if (affordable >= allowed) continue;
    allowed = affordable;
    tightest = claim;
  }
  if (!tightest || allowed < 1) return undefined;
  const less = (each - allowed) * answers;
  const nanoUsd = Math.ceil((input * cost.input + allowed * answers * cost.output) / 1_000);
  for (const claim of claims) {
    const { unit } = claim.slice.counter;
    const { amount, spent } = held?.get(claim) ?? nothingHeld;
    if (unit === 'nano_usd') claim.amount = Math.max(0, nanoUsd + spent - amount);
    else if (unit === 'tokens' || unit === 'output_tokens') claim.amount = Math.max(0, claim.amount - less);
    claim.smallest = claim.amount;
  }
  if (!quota.takeFree(claims)) return undefined;
  return {
    changes: { [outputField]: allowed },
    headers: { 'x-chaperone-max-output-tokens': String(allowed), 'x-chaperone-shortened-by': tightest.by.rule.name },
  };
}
