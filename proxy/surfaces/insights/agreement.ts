import { Type } from 'typebox';
import { readAgreement } from '../../governance/insights/review/agreement.ts';
import { readers } from '../../http/described.ts';
import { Nullable } from '../../http/schemas.ts';
import { answer, Enveloped } from './answer.ts';
import { route } from './route.ts';

const day = Type.String({ maxLength: 40, description: 'Such as `2026-08-01`.' });
const share = Type.Number({ description: 'From 0 to 1.' });
const count = Type.Integer();

const Pair = Type.Object({
  reviewers: Type.Array(Nullable(Type.String()), { description: 'Two. Null: erased.' }),
  items: count,
  both_approve: count,
  both_reject: count,
  only_first_approves: count,
  only_second_approves: count,
  observed_agreement: share,
  expected_agreement: Type.Number({ description: 'What chance alone would make.' }),
  kappa: Nullable(Type.Number(), 'Cohen’s. Null: both have always decided the same, which chance explains as well.'),
  confidence_interval: Nullable(Type.Array(Type.Number(), { description: 'Of 95 %: from and to.' })),
});

/** `/api/v1/review/agreement` */
export const agreementRoutes = [
  route(
    'GET',
    '/review/agreement',
    {
      tags: ['Review'],
      summary: 'Say how far reviewers agree',
      description:
        'For reviewers and analysts: of the items that two reviewers have seen, whose second decision was made in the period. Absent: the last 30 days.',
      querystring: Type.Object({ start_date: Type.Optional(day), end_date: Type.Optional(day) }),
      problems: ['surface_not_allowed', 'role_required', 'store_unavailable'],
      roles: readers,
      response: {
        200: Enveloped(
          Type.Object({
            start_date: Type.String(),
            end_date: Type.String(),
            items: count,
            observed_agreement: Nullable(Type.Number(), 'Null: no item has two decisions.'),
            krippendorff_alpha: Nullable(Type.Number(), 'Over all reviewers. Null: all have decided the same.'),
            pairs: Type.Array(Pair),
          }),
        ),
      },
    },
    async ({ caller, query }, context) => {
      const found = await readAgreement(context, caller, { startDate: query.start_date, endDate: query.end_date });
      return answer({
        start_date: found.period.firstDay,
        end_date: found.period.lastDay,
        items: found.items,
        observed_agreement: round(found.observed),
        krippendorff_alpha: round(found.alpha),
        pairs: found.pairs.map((pair) => ({
          ...{ reviewers: [...pair.reviewers], items: pair.items },
          ...{ both_approve: pair.bothApprove, both_reject: pair.bothReject },
          ...{ only_first_approves: pair.onlyOne, only_second_approves: pair.onlyOther },
          observed_agreement: round(pair.observed),
          expected_agreement: round(pair.expected),
          kappa: round(pair.kappa),
          confidence_interval: pair.interval?.map(round) ?? null,
        })),
      });
    },
  ),
];

function round<Value extends number | null>(value: Value): Value {
  return (value === null ? null : Math.round(value * 10_000) / 10_000) as Value;
}
