import { Type } from 'typebox';
import { readSessions, type SessionUsage } from '../../../governance/figures/sessions.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { paging } from '../../../http/paging.ts';
import { Nullable, Timestamp } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import { exampleExcluded, excluded, showExcluded } from './excluded.ts';
import {
  exampleCache,
  exampleModels,
  examplePeriod,
  filtered_by_user,
  models_used,
  period,
  showPeriod,
  showTotals,
  totals,
} from './figures.ts';
import { filters, parseQuestion, personaFilter } from './filter.ts';

const Session = Type.Object({
  session_id: Type.String(),
  user_id: Nullable(Type.String(), 'X-User-ID; null for calls without a user.'),
  started_at: { ...Timestamp, description: 'When its first call in the period was made.' },
  ended_at: Nullable(Timestamp, 'When its last call in the period was made; null while it is active.'),
  duration_minutes: Type.Number({ description: 'From its first call to its last.' }),
  request_count: Type.Integer(),
  total_tokens: Type.Integer(),
  total_cost: Type.Number({ description: 'US dollars.' }),
  unpriced_count: Type.Integer({ description: 'Calls whose price is not known, which are not in total_cost.' }),
  models_used,
  is_active: Type.Boolean({
    description: 'Whether its last call is more recent than the Organization’s idle timeout.',
  }),
});

const Answer = Type.Object(
  {
    sessions: Type.Array(Session, { description: 'The latest first.' }),
    total_sessions: Type.Integer(),
    active_sessions: Type.Integer(),
    ...totals,
    excluded,
    avg_session_duration: Type.Number({ description: 'Minutes.' }),
    ...period,
    filtered_by_user,
  },
  {
    example: {
      sessions: [
        {
          session_id: 'sess_1234567890abcdef',
          user_id: 'user@example.com',
          started_at: '2026-06-07T12:00:00.000Z',
          ended_at: '2026-06-07T12:30:30.000Z',
          duration_minutes: 30.5,
          request_count: 15,
          total_tokens: 5_000,
          total_cost: 0.25,
          unpriced_count: 0,
          models_used: exampleModels,
          is_active: false,
        },
      ],
      total_sessions: 1,
      active_sessions: 0,
      total_requests: 15,
      total_cost: 0.25,
      unpriced_count: 0,
      cache: exampleCache,
      excluded: exampleExcluded,
      avg_session_duration: 30.5,
      ...examplePeriod,
      filtered_by_user: null,
    },
  },
);

const minuteMs = 60_000;

/** `GET /v1/analytics/sessions` */
export const sessions = route(
  'GET',
  '/analytics/sessions',
  {
    tags: ['Analytics'],
    summary: 'Sessions',
    description: 'Those with a call in the period. All that is said of a session is of its calls in the period.',
    querystring: Type.Object({ ...filters, ...personaFilter, ...paging }),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Answer },
  },
  async ({ caller, query }, context) => {
    const figures = await readSessions(context, caller, parseQuestion(query), query);
    return {
      sessions: figures.sessions.map(show),
      total_sessions: figures.total,
      active_sessions: figures.active,
      ...showTotals(figures.totals),
      excluded: showExcluded(figures.excluded),
      avg_session_duration: toMinutes(figures.averageDurationMs),
      ...showPeriod(figures.period),
      filtered_by_user: figures.filteredByUser,
    };
  },
);

function show(session: SessionUsage & { readonly isActive: boolean }) {
  const { startedAt, lastRequestAt, isActive } = session;
  return {
    session_id: session.sessionId,
    user_id: session.externalId,
    started_at: startedAt.toISOString(),
    ended_at: isActive ? null : lastRequestAt.toISOString(),
    duration_minutes: toMinutes(lastRequestAt.getTime() - startedAt.getTime()),
    request_count: Number(session.requestCount),
    total_tokens: Number(session.totalTokens),
    total_cost: Number(session.costUsd),
    unpriced_count: Number(session.unpricedCount),
    models_used: [...session.models],
    is_active: isActive,
  };
}

/** With two decimals. */
function toMinutes(ms: number): number {
  return Math.round((ms / minuteMs) * 100) / 100;
}
