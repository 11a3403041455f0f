import type { Shortfall } from '../../quota/claim.ts';
import { whenKnown } from '../when-known.ts';
import type { Asked } from './asked.ts';
import type { Limits } from './limits-context.ts';
import { rateHeaders } from './rate-headers.ts';
import { refusalOf } from './refusal.ts';
import type { Refused } from './reserve.ts';
import { type Shortened, shorten } from './shorten.ts';

/** All claims are taken. */
export interface Taken {
  /** Set where that needed a shorter answer. */
  readonly shortened: Shortened | undefined;
}

/** Takes all claims, with a shorter answer where budgets say so. Where they are refused, none is taken. */
export function takeClaims(limits: Limits, asked: Asked): Taken | Refused | Promise<Taken | Refused> {
  return whenKnown(limits.quota.take(asked.claims, asked.now), (shortfalls) =>
    shortfalls ? conclude(limits, asked, shortfalls) : wholly,
  );
}

const wholly: Taken = { shortened: undefined };

function conclude({ quota, onLimited }: Limits, asked: Asked, shortfalls: readonly Shortfall[]): Taken | Refused {
  const { claims } = asked;
  const note = () => {
    for (const claim of claims) if (shortfalls.some((each) => each.claim === claim)) onLimited(claim.by.rule);
  };
  if (!shortfalls.some(({ claim }) => claim.by.enforces)) {
    note();
    return wholly;
  }
  const shortened = shorten(quota, asked);
  if (shortened) return { shortened };
  const nowMs = quota.clock.now().ms;
  return { problem: refusalOf(shortfalls, claims, rateHeaders(claims, nowMs), nowMs), note };
}
