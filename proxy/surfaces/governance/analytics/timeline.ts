import { type Static, Type } from 'typebox';
import { maxDays, maxHourlyDays, readTimeline, type TimelineRow } from '../../../governance/figures/timeline.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { Nullable, Timestamp } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import {
  exampleFigures,
  examplePeriod,
  figures,
  filtered_by_user,
  period,
  showFigures,
  showPeriod,
} from './figures.ts';
import { filters, parseQuestion, personaFilter } from './filter.ts';

const seconds = (description: string) =>
  Nullable(Type.Number(), `Seconds: ${description}. Null by day, and without calls.`);

const Point = Type.Object({
  start: { ...Timestamp, description: 'When the hour or day begins.' },
  ...figures,
  p50_response_time: seconds('half of the calls took no longer'),
  p95_response_time: seconds('95 % of the calls took no longer'),
});

const Answer = Type.Object(
  {
    interval: Type.Enum(['hour', 'day']),
    points: Type.Array(Point, { description: 'In order; hours and days without calls are among them.' }),
    ...period,
    filtered_by_user,
  },
  {
    example: {
      interval: 'day',
      points: [{ start: '2026-06-01T00:00:00Z', ...exampleFigures, p50_response_time: null, p95_response_time: null }],
      ...examplePeriod,
      filtered_by_user: null,
    },
  },
);

/** `GET /v1/analytics/timeline` */
export const timeline = route(
  'GET',
  '/analytics/timeline',
  {
    tags: ['Analytics'],
    summary: 'Usage over time',
    description: `By hour, of ${maxHourlyDays} days at most, or by day, of ${maxDays}. Hours are added up from the records, so they have percentiles.`,
    querystring: Type.Object({
      interval: Type.Enum(['hour', 'day'], { default: 'day' }),
      ...filters,
      ...personaFilter,
    }),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Answer },
  },
  async ({ caller, query }, context) => {
    const { interval } = query;
    const { points, ...figures } = await readTimeline(context, caller, parseQuestion(query), interval);
    return {
      interval,
      points: points.map(({ start, row }) => show(start, row)),
      ...showPeriod(figures.period),
      filtered_by_user: figures.filteredByUser,
    };
  },
);

const none = {
  ...{ requestCount: '0', completedCount: '0', unpricedCount: '0', inputTokens: '0', outputTokens: '0' },
  ...{ totalTokens: '0', costUsd: '0', durationMs: '0', durationCount: '0', cacheHitCount: '0' },
  ...{ cacheMissCount: '0', unpricedHitCount: '0', avoidedCostUsd: '0', cacheSavingsUsd: '0' },
};

function show(start: string, row: TimelineRow | undefined): Static<typeof Point> {
  return {
    start,
    ...showFigures(row ?? none),
    p50_response_time: toSeconds(row?.p50Ms),
    p95_response_time: toSeconds(row?.p95Ms),
  };
}

function toSeconds(ms: number | null | undefined): number | null {
  return ms == null ? null : Math.round(ms) / 1_000;
}
