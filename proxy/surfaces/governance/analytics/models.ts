import { Type } from 'typebox';
import { type ModelUsage, readModels } from '../../../governance/figures/groups.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { paging } from '../../../http/paging.ts';
import { Nullable } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import { exampleExcluded, excluded, showExcluded } from './excluded.ts';
import {
  exampleCache,
  exampleFigures,
  examplePeriod,
  figures,
  period,
  showFigures,
  showPeriod,
  showTotals,
  totals,
} from './figures.ts';
import { filters, parseQuestion, personaFilter } from './filter.ts';

const Model = Type.Object({
  model: Nullable(
    Type.String(),
    'As it was asked for, so that its failures stand beside its successes; of batches, as it answered.',
  ),
  ...figures,
  answered_by: Type.Array(
    Type.Object({
      model: Nullable(Type.String()),
      request_count: Type.Integer(),
      total_tokens: Type.Integer(),
      total_cost: Type.Number({ description: 'US dollars.' }),
    }),
    {
      description:
        'The same calls by the model that answered, as the provider names it on its bill, the most used first. Calls that none answered stand under the name that was asked for.',
    },
  ),
});

const Answer = Type.Object(
  {
    models: Type.Array(Model, { description: 'The most used first.' }),
    total_models: Type.Integer(),
    ...totals,
    excluded,
    ...period,
  },
  {
    example: {
      models: [
        {
          model: 'gpt-4o',
          ...exampleFigures,
          answered_by: [{ model: 'gpt-4o-2024-08-06', request_count: 150, total_tokens: 60_000, total_cost: 1.25 }],
        },
      ],
      total_models: 1,
      total_requests: 150,
      total_cost: 1.25,
      unpriced_count: 0,
      cache: exampleCache,
      excluded: exampleExcluded,
      ...examplePeriod,
    },
  },
);

/** `GET /v1/analytics/models` */
export const modelUsage = route(
  'GET',
  '/analytics/models',
  {
    tags: ['Analytics'],
    summary: 'Usage by model',
    querystring: Type.Object({ ...filters, ...personaFilter, ...paging }),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Answer },
  },
  async ({ caller, query }, context) => {
    const { groups, totals, excluded, period } = await readModels(context, caller, parseQuestion(query), query);
    return {
      models: groups.map(showModel),
      total_models: totals.groups,
      ...showTotals(totals),
      excluded: showExcluded(excluded),
      ...showPeriod(period),
    };
  },
);

function showModel({ model, answeredBy, ...sums }: ModelUsage) {
  return {
    model: nameOf(model),
    ...showFigures(sums),
    answered_by: answeredBy.map((part) => ({
      model: nameOf(part.model),
      request_count: part.requestCount,
      total_tokens: part.totalTokens,
      total_cost: Number(part.costUsd),
    })),
  };
}

function nameOf(model: string): string | null {
  return model === '' ? null : model;
}
