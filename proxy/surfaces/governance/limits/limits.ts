import { Type } from 'typebox';
import { type Figure, readLimits } from '../../../governance/limits.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { route } from '../route.ts';
import { exampleRule, filters, pageOfRules, rule, showRule } from './rule.ts';

const units = ['requests', 'tokens', 'input_tokens', 'output_tokens', 'concurrent'] as const;

const Limit = Type.Object(
  {
    type: Type.Enum(['limit', 'tier'], { description: 'Whether it is of `limits`, or of `tier` or `tiers`.' }),
    ...rule,
    unit: Type.Enum([...units]),
    limit: Type.Integer(),
    used: Type.Integer({ description: 'What ended calls have used; of `concurrent`, the calls of now.' }),
    reserved: Type.Integer({ description: 'What proxies hold beyond that, for running calls and for the next ones.' }),
    remaining: Type.Integer({ description: 'The limit without `used`.' }),
  },
  {
    example: {
      type: 'limit',
      ...exampleRule,
      ...{ per: 'User', scope: 'user@example.com', user_id: 'user@example.com', window: '1m' },
      ...{ starts_at: '2026-06-07T12:00:00.000Z', resets_at: '2026-06-07T12:01:00.000Z' },
      ...{ unit: 'requests', limit: 50, used: 41, reserved: 4, remaining: 9 },
    },
  },
);

/** `GET /v1/limits` */
export const limits = route(
  'GET',
  '/limits',
  {
    tags: ['Limits'],
    summary: 'Limits',
    description:
      'The limits and tiers in force, with what is used of each in the window of now. A member is shown those that apply to it, with its own figures.',
    querystring: Type.Object(filters),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Type.Object({ limits: Type.Array(Limit), ...pageOfRules }) },
  },
  async ({ caller, query: { name, user_id: user, per, limit, offset } }, context) => {
    const { figures, total, filteredByUser } = await readLimits(
      context,
      caller,
      { name, user, per },
      { limit, offset },
    );
    return { limits: figures.map(show), filtered_by_user: filteredByUser, total, limit, offset };
  },
);

function show(figure: Figure) {
  const { count, limit, used, reserved, remaining } = figure;
  const type = count.kind === 'tier' ? ('tier' as const) : ('limit' as const);
  const unit = units.find((known) => known === count.unit) ?? 'requests';
  return { type, ...showRule(figure), unit, limit, used, reserved, remaining };
}
