import { Type } from 'typebox';
import { readSelectedUsage } from '../../../../database/analytics/excluded.ts';
import { readUserUsage } from '../../../../database/analytics/users.ts';
import type { GovernanceContext } from '../../../governance/context.ts';
import { paging } from '../../../http/paging.ts';
import { Nullable, Timestamp } from '../../../http/schemas.ts';
import type { SurfaceApp } from '../../../http/surface.ts';
import { exampleExcluded, excluded, showExcluded } from './excluded.ts';
import {
  exampleFigures,
  exampleModels,
  examplePeriod,
  figures,
  filtered_by_user,
  models_used,
  period,
  showFigures,
  showTotals,
  totals,
} from './figures.ts';
import { filters, personaFilter, readSelection } from './filter.ts';
import { showPeriod } from './period.ts';
import { readFigures } from './read.ts';

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
      excluded: exampleExcluded,
      ...examplePeriod,
      filtered_by_user: null,
    },
  },
);

/** `GET /v1/analytics/user-usage` */
export function registerUserUsage(app: SurfaceApp, context: GovernanceContext): void {
  app.get(
    '/analytics/user-usage',
    {
      schema: {
        tags: ['Analytics'],
        summary: 'Usage by user',
        querystring: Type.Object({ ...filters, ...personaFilter, ...paging }),
        problems: ['role_required', 'store_unavailable'],
        response: { 200: Answer },
      },
    },
    async ({ caller, query }) => {
      const { filter, filteredByUser } = readSelection(caller, context.inForce().snapshot.organizationId, query);
      const { usage, selected } = await readFigures(context, async (db) => ({
        usage: await readUserUsage(db, filter, query),
        selected: await readSelectedUsage(db, filter),
      }));
      const { groups, totals } = usage;
      return {
        users: groups.map(({ externalId, models, lastRequestAt, ...sums }) => ({
          user_id: externalId,
          ...showFigures(sums),
          last_request_at: lastRequestAt.toISOString(),
          models_used: [...models],
        })),
        total_users: totals.groups,
        ...showTotals(totals),
        excluded: showExcluded(selected, filter),
        ...showPeriod(filter),
        filtered_by_user: filteredByUser,
      };
    },
  );
}
