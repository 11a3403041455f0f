import { Type } from 'typebox';
import { type Count, type Excluded, excludedReasons } from '../../../governance/figures/excluded.ts';

const counts = {
  request_count: Type.Integer(),
  total_cost: Type.Number({ description: 'US dollars.' }),
  unpriced_count: Type.Integer(),
};

/** Calls that the question's filters select and that the answer's sums leave out. */
export const excluded = Type.Object(
  {
    ...counts,
    reasons: Type.Array(
      Type.Object({
        reason: Type.Enum([...excludedReasons], {
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

export function showExcluded({ reasons, ...count }: Excluded) {
  return { ...show(count), reasons: reasons.map(({ reason, ...part }) => ({ reason, ...show(part) })) };
}

function show({ requests, unpriced, cost }: Count) {
  return { request_count: requests, total_cost: Number(cost) / 1e12, unpriced_count: unpriced };
}
