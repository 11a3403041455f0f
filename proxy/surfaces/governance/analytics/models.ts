import { Type } from 'typebox';
import { readModelUsage } from '../../../../database/analytics/models.ts';
import type { GovernanceApp, GovernanceContext } from '../context.ts';
import { paging } from '../paging.ts';
import { Nullable } from '../schemas.ts';
import { exampleFigures, examplePeriod, figures, period, showFigures, showTotals, totals } from './figures.ts';
import { filters, personaFilter, readSelection } from './filter.ts';
import { showPeriod } from './period.ts';
import { readFigures } from './read.ts';

const ModelUsage = Type.Object({
  model: Nullable(Type.String(), 'As the provider named it in its answer; where there is none, as it was asked for.'),
  ...figures,
});

const Answer = Type.Object(
  {
    models: Type.Array(ModelUsage, { description: 'The most used first.' }),
    total_models: Type.Integer(),
    ...totals,
    ...period,
  },
  {
    example: {
      models: [{ model: 'gpt-4o-2024-08-06', ...exampleFigures }],
      total_models: 1,
      total_requests: 150,
      total_cost: 1.25,
      ...examplePeriod,
    },
  },
);

/** `GET /v1/analytics/models` */
export function registerModelUsage(app: GovernanceApp, context: GovernanceContext): void {
  app.get(
    '/analytics/models',
    {
      schema: {
        tags: ['Analytics'],
        summary: 'Usage by model',
        querystring: Type.Object({ ...filters, ...personaFilter, ...paging }),
        problems: ['role_required', 'store_unavailable'],
        response: { 200: Answer },
      },
    },
    async ({ caller, query }) => {
      const { filter } = readSelection(caller, context.inForce().snapshot.organizationId, query);
      const { groups, totals } = await readFigures(context, (db) => readModelUsage(db, filter, query));
      return {
        models: groups.map(({ model, ...sums }) => ({ model: model === '' ? null : model, ...showFigures(sums) })),
        total_models: totals.groups,
        ...showTotals(totals),
        ...showPeriod(filter),
      };
    },
  );
}
