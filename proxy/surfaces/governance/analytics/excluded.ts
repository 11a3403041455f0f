import { Type } from 'typebox';
import type { SelectedUsage } from '../../../../database/analytics/excluded.ts';
import type { UsageFilter } from '../../../../database/analytics/filter.ts';
import type { UsageTotals } from '../../../../database/analytics/usage.ts';
import { parseDollars } from '../../../prices/price-card.ts';

const counts = {
  request_count: Type.Integer(),
  total_cost: Type.Number({ description: 'US dollars.' }),
  unpriced_count: Type.Integer(),
};

const reasons = ['analysis', 'call', 'no_persona', 'persona_not_listed'] as const;
type Reason = (typeof reasons)[number];

/** Calls that the question's filters select and that the answer's sums leave out. */
export const excluded = Type.Object(
  {
    ...counts,
    reasons: Type.Array(
      Type.Object({
        reason: Type.Enum([...reasons], {
          description:
            'analysis: made by an analysis. call: made by a user, where kind=analysis. no_persona: without a persona. persona_not_listed: with a persona that the list leaves out.',
        }),
        ...counts,
      }),
    ),
  },
  {
    description:
      'Calls that the filters select, but for the kind, and that the sums here leave out. Added to the sums, they are all calls, as the metrics and the table requests count them. With kind=all, analyses are not left out.',
  },
);

export const exampleExcluded = {
  request_count: 2,
  total_cost: 0.0003,
  unpriced_count: 0,
  reasons: [{ reason: 'analysis' as const, request_count: 2, total_cost: 0.0003, unpriced_count: 0 }],
};

interface Count {
  readonly requests: number;
  readonly unpriced: number;
  /** 10⁻¹² dollars. */
  readonly cost: bigint;
}

/**
 * Tells what an answer leaves out of the calls that its filter selects.
 *
 * @param listed the sums of a list of personas, which has no calls without a persona; absent: the answer has both
 */
export function showExcluded(
  selected: readonly SelectedUsage[],
  { kind }: Pick<UsageFilter, 'kind'>,
  listed?: UsageTotals,
) {
  const ofKind = selected.filter((usage) => kind === null || usage.kind === kind);
  const parts: [Reason, Count][] = [];
  const other = kind === 'call' ? 'analysis' : 'call';
  if (kind !== null) parts.push([other, add(selected.filter((usage) => usage.kind === other))]);
  if (listed) {
    parts.push(['no_persona', add(ofKind.filter(({ hasPersona }) => !hasPersona))]);
    parts.push(['persona_not_listed', subtract(add(ofKind.filter(({ hasPersona }) => hasPersona)), countOf(listed))]);
  }
  const known = parts.filter(([, { requests }]) => requests > 0);
  return {
    ...show(known.map(([, count]) => count).reduce(plus, nothing)),
    reasons: known.map(([reason, count]) => ({ reason, ...show(count) })),
  };
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

function show({ requests, unpriced, cost }: Count) {
  return { request_count: requests, total_cost: Number(cost) / 1e12, unpriced_count: unpriced };
}
