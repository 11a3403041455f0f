import type { SelectedUsage } from '../../../database/analytics/excluded.ts';
import type { UsageFilter } from '../../../database/analytics/filter.ts';
import type { UsageTotals } from '../../../database/analytics/usage.ts';
import { parseDollars } from '../../prices/price-card.ts';

/**
 * Why calls are left out: made by an analysis; made by a user, where analyses are asked for; without a persona; with a
 * persona that the list leaves out.
 */
export const excludedReasons = ['analysis', 'call', 'no_persona', 'persona_not_listed'] as const;

export interface Count {
  readonly requests: number;
  readonly unpriced: number;
  /** 10⁻¹² dollars. */
  readonly cost: bigint;
}

export interface ExcludedPart extends Count {
  readonly reason: (typeof excludedReasons)[number];
}

/** Calls that a question selects and that the answer's sums leave out. */
export interface Excluded extends Count {
  readonly reasons: readonly ExcludedPart[];
}

/**
 * Counts what an answer leaves out of the calls that its filter selects.
 *
 * @param listed the sums of a list of personas, which has no calls without a persona; absent: the answer has both
 */
export function countExcluded(
  selected: readonly SelectedUsage[],
  { kind }: Pick<UsageFilter, 'kind'>,
  listed?: Pick<UsageTotals, 'requestCount' | 'unpricedCount' | 'costUsd'>,
): Excluded {
  const ofKind = selected.filter((usage) => kind === null || usage.kind === kind);
  const parts: ExcludedPart[] = [];
  const other = kind === 'call' ? 'analysis' : 'call';
  if (kind !== null) parts.push({ reason: other, ...add(selected.filter((usage) => usage.kind === other)) });
  if (listed) {
    const ofPersonas = add(ofKind.filter(({ hasPersona }) => hasPersona));
    parts.push({ reason: 'no_persona', ...add(ofKind.filter(({ hasPersona }) => !hasPersona)) });
    parts.push({ reason: 'persona_not_listed', ...subtract(ofPersonas, countOf(listed)) });
  }
  const reasons = parts.filter(({ requests }) => requests > 0);
  return { ...reasons.reduce<Count>(plus, nothing), reasons };
}

const nothing: Count = { requests: 0, unpriced: 0, cost: 0n };

function plus(one: Count, other: Count): Count {
  return {
    requests: one.requests + other.requests,
    unpriced: one.unpriced + other.unpriced,
    cost: one.cost + other.cost,
  };
}

function subtract(one: Count, other: Count): Count {
  return plus(one, { requests: -other.requests, unpriced: -other.unpriced, cost: -other.cost });
}

function add(usages: readonly SelectedUsage[]): Count {
  return usages.map(countOf).reduce(plus, nothing);
}

function countOf(sums: Pick<SelectedUsage, 'requestCount' | 'unpricedCount' | 'costUsd'>): Count {
  return {
    requests: Number(sums.requestCount),
    unpriced: Number(sums.unpricedCount),
    cost: parseDollars(sums.costUsd),
  };
}
