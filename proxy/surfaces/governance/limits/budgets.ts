import { Type } from 'typebox';
import { type Figure, readBudgets } from '../../../governance/limits.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { Nullable } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import { exampleRule, filters, pageOfRules, rule, showRule } from './rule.ts';

const dollars = (description: string) => Type.Number({ description });

const Budget = Type.Object(
  {
    ...rule,
    amount_usd: dollars('The amount of the window, in US dollars, with the raise of now.'),
    used_usd: dollars('What ended calls have cost.'),
    reserved_usd: dollars('What proxies hold beyond that, for running calls and for the next ones.'),
    remaining_usd: dollars('The amount without `used_usd`.'),
    warn_at: Type.Array(Type.Integer(), { description: 'Percentages of the amount at which people are warned.' }),
    raise: Nullable(
      Type.Object({
        by_usd: Type.Number(),
        until: Type.String(),
        reason: Type.String(),
        active: Type.Boolean({ description: 'Whether it is in amount_usd; false once it has ended.' }),
      }),
      'A temporary addition to the amount.',
    ),
  },
  {
    example: {
      ...exampleRule,
      ...{ amount_usd: 100, used_usd: 82.4, reserved_usd: 0.5, remaining_usd: 17.6, warn_at: [80, 100], raise: null },
    },
  },
);

/** `GET /v1/budgets` */
export const budgets = route(
  'GET',
  '/budgets',
  {
    tags: ['Limits'],
    summary: 'Budgets',
    description:
      'The budgets in force, with what is used of each in the window of now. A member is shown those that apply to it, with its own figures.',
    querystring: Type.Object(filters),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Type.Object({ budgets: Type.Array(Budget), ...pageOfRules }) },
  },
  async ({ caller, query: { name, user_id: user, per, limit, offset } }, context) => {
    const { figures, total, filteredByUser } = await readBudgets(
      context,
      caller,
      { name, user, per },
      { limit, offset },
    );
    return { budgets: figures.map(show), filtered_by_user: filteredByUser, total, limit, offset };
  },
);

function show(figure: Figure) {
  const { count, limit, used, reserved, remaining } = figure;
  const { raise, warnAt } = count;
  return {
    ...showRule(figure),
    amount_usd: limit / 1e9,
    used_usd: used / 1e9,
    reserved_usd: reserved / 1e9,
    remaining_usd: remaining / 1e9,
    warn_at: [...warnAt],
    raise: raise
      ? {
          by_usd: Number(raise.byUsd),
          until: raise.until,
          reason: raise.reason,
          active: Date.parse(raise.until) > figure.atMs,
        }
      : null,
  };
}
