import { Type } from 'typebox';
import { readUsers } from '../../../governance/figures/groups.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { paging } from '../../../http/paging.ts';
import { Nullable, Timestamp } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import { exampleExcluded, excluded, showExcluded } from './excluded.ts';
import {
  exampleCache,
  exampleFigures,
  exampleModels,
  examplePeriod,
  figures,
  filtered_by_user,
  models_used,
  period,
  showFigures,
  showPeriod,
  showTotals,
  totals,
} from './figures.ts';
import { filters, parseQuestion, personaFilter } from './filter.ts';

const UserUsage = Type.Object({
  user_id: Nullable(Type.String(), 'X-User-ID; null for calls without a user.'),
  ...figures,
  last_request_at: Timestamp,
  models_used,
});

const Answer = Type.Object(
  {
    users: Type.Array(UserUsage, { description: 'The most active first.' }),
    total_users: Type.Integer(),
    ...totals,
    excluded,
    ...period,
    filtered_by_user,
  },
  {
    example: {
      users: [
        {
          user_id: 'user@example.com',
          ...exampleFigures,
          last_request_at: '2026-06-07T12:34:56.000Z',
          models_used: exampleModels,
        },
      ],
      total_users: 1,
      total_requests: 150,
      total_cost: 1.25,
      unpriced_count: 0,
      cache: exampleCache,
      excluded: exampleExcluded,
      ...examplePeriod,
      filtered_by_user: null,
    },
  },
);

/** `GET /v1/analytics/user-usage` */
export const userUsage = route(
  'GET',
  '/analytics/user-usage',
  {
    tags: ['Analytics'],
    summary: 'Usage by user',
    querystring: Type.Object({ ...filters, ...personaFilter, ...paging }),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Answer },
  },
  async ({ caller, query }, context) => {
    const { groups, totals, ...figures } = await readUsers(context, caller, parseQuestion(query), query);
    return {
      users: groups.map(({ externalId, models, lastRequestAt, ...sums }) => ({
        user_id: externalId,
        ...showFigures(sums),
        last_request_at: lastRequestAt.toISOString(),
        models_used: [...models],
      })),
      total_users: totals.groups,
      ...showTotals(totals),
      excluded: showExcluded(figures.excluded),
      ...showPeriod(figures.period),
      filtered_by_user: figures.filteredByUser,
    };
  },
);
