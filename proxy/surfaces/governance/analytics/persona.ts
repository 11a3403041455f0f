import { Type } from 'typebox';
import {
  type PersonaFacts,
  readPersona,
  type TopUser,
  type UsageBreakdown,
} from '../../../governance/figures/persona.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { Nullable } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import { exampleExcluded, excluded, showExcluded } from './excluded.ts';
import { examplePeriod, period, showPeriod } from './figures.ts';
import { filters, parseQuestion } from './filter.ts';
import { examplePersona, PersonaFigures, showPersona } from './personas.ts';

const cost = Type.Number({ description: 'US dollars.' });

const Answer = Type.Object(
  {
    persona: PersonaFigures,
    daily_usage: Type.Array(
      Type.Object({
        date: Type.String({ format: 'date' }),
        request_count: Type.Integer(),
        success_count: Type.Integer(),
        failure_count: Type.Integer(),
        total_tokens: Type.Integer(),
        total_cost: cost,
      }),
      { description: 'The days with calls.' },
    ),
    request_count_by_model: Type.Record(Type.String(), Type.Integer(), {
      description: 'By the model that was asked for.',
    }),
    request_count_by_status: Type.Record(Type.String(), Type.Integer(), {
      description: 'By completed, failed, cancelled (the client left) and interrupted (the proxy ended).',
    }),
    token_usage_by_model: Type.Record(
      Type.String(),
      Type.Object({
        input_tokens: Type.Integer(),
        output_tokens: Type.Integer(),
        total_tokens: Type.Integer(),
        total_cost: cost,
      }),
    ),
    top_users: Type.Array(
      Type.Object({
        user_id: Nullable(Type.String(), 'X-User-ID; null for calls without a user.'),
        request_count: Type.Integer(),
        total_tokens: Type.Integer(),
        total_cost: cost,
      }),
      { description: 'The ten with the most calls.' },
    ),
    excluded,
    ...period,
  },
  {
    example: {
      persona: examplePersona,
      daily_usage: [
        {
          date: '2026-06-01',
          request_count: 150,
          success_count: 145,
          failure_count: 5,
          total_tokens: 60_000,
          total_cost: 1.25,
        },
      ],
      request_count_by_model: { 'gpt-4o': 100, 'gpt-4o-mini': 50 },
      request_count_by_status: { completed: 145, failed: 5 },
      token_usage_by_model: {
        'gpt-4o': { input_tokens: 10_000, output_tokens: 30_000, total_tokens: 40_000, total_cost: 1 },
        'gpt-4o-mini': {
          input_tokens: 5_000,
          output_tokens: 15_000,
          total_tokens: 20_000,
          total_cost: 0.25,
        },
      },
      top_users: [{ user_id: 'user@example.com', request_count: 150, total_tokens: 60_000, total_cost: 1.25 }],
      excluded: exampleExcluded,
      ...examplePeriod,
    },
  },
);

/** `GET /v1/analytics/personas/{id}` */
export const personaDetails = route(
  'GET',
  '/analytics/personas/:id',
  {
    tags: ['Analytics'],
    summary: 'Usage of a persona',
    description: 'Of inactive and deleted personas, too.',
    params: Type.Object({ id: Type.String({ description: 'The persona’s id, a UUID.' }) }),
    querystring: Type.Object(filters),
    problems: ['role_required', 'persona_not_found', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Answer },
  },
  async ({ caller, params: { id }, query }, context) => {
    const { persona, breakdown, top, excluded, period } = await readPersona(context, caller, id, parseQuestion(query));
    return {
      ...showDetails(persona, breakdown, top),
      excluded: showExcluded(excluded),
      ...showPeriod(period),
    };
  },
);

const unused = {
  requestCount: '0',
  completedCount: '0',
  unpricedCount: '0',
  inputTokens: '0',
  outputTokens: '0',
  totalTokens: '0',
  costUsd: '0',
  durationMs: '0',
  durationCount: '0',
  lastRequestAt: null,
  cacheHitCount: '0',
  cacheMissCount: '0',
  unpricedHitCount: '0',
  avoidedCostUsd: '0',
  cacheSavingsUsd: '0',
};

function showDetails(persona: PersonaFacts, breakdown: readonly UsageBreakdown[], top: readonly TopUser[]) {
  const all = breakdown.find(({ day, model }) => day === null && model === null);
  const models = breakdown.flatMap(({ model, ...sums }) => (model === null ? [] : [{ model, sums }]));
  const nameOf = (model: string) => (model === '' ? 'unknown' : model);
  const named = models.map(({ model }) => model).filter((model) => model !== '');
  return {
    persona: showPersona({ ...(all ?? unused), ...persona, models: named.toSorted() }),
    daily_usage: breakdown.flatMap(({ day, ...sums }) => (day === null ? [] : [showDay(day, sums)])),
    request_count_by_model: Object.fromEntries(
      models.map(({ model, sums }) => [nameOf(model), Number(sums.requestCount)]),
    ),
    request_count_by_status: all ? showStatuses(all) : {},
    token_usage_by_model: Object.fromEntries(models.map(({ model, sums }) => [nameOf(model), showTokens(sums)])),
    top_users: top.map(({ externalId, requestCount, totalTokens, costUsd }) => ({
      user_id: externalId,
      request_count: Number(requestCount),
      total_tokens: Number(totalTokens),
      total_cost: Number(costUsd),
    })),
  };
}

type Sums = Omit<UsageBreakdown, 'day' | 'model'>;

function showDay(date: string, sums: Sums) {
  return {
    date,
    request_count: Number(sums.requestCount),
    success_count: Number(sums.completedCount),
    failure_count: Number(sums.requestCount) - Number(sums.completedCount),
    total_tokens: Number(sums.totalTokens),
    total_cost: Number(sums.costUsd),
  };
}

/** Those that there are. */
function showStatuses(sums: Sums): Record<string, number> {
  const counts = {
    completed: Number(sums.completedCount),
    failed: Number(sums.failedCount),
    cancelled: Number(sums.cancelledCount),
    interrupted: Number(sums.interruptedCount),
  };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function showTokens(sums: Sums) {
  return {
    input_tokens: Number(sums.inputTokens),
    output_tokens: Number(sums.outputTokens),
    total_tokens: Number(sums.totalTokens),
    total_cost: Number(sums.costUsd),
  };
}
