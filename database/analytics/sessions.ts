import { nobody } from '../ids.ts';
import type { Queryable } from '../queryable.ts';
import type { UsageFilter } from './filter.ts';
import { attributeValues, recordsAsSessions, startOfDay as startOf } from './records.ts';
import { askedModel, type Page } from './usage.ts';

/** A session, counting only the calls that match the filter. The first and the last of them give its start and end. */
export interface SessionUsage {
  readonly sessionId: string;
  /** Null for sessions of calls without a user. */
  readonly externalId: string | null;
  readonly startedAt: Date;
  readonly lastRequestAt: Date;
  readonly requestCount: string;
  readonly unpricedCount: string;
  readonly totalTokens: string;
  readonly costUsd: string;
  readonly models: readonly string[];
}

export interface SessionTotals {
  readonly sessions: string;
  readonly activeSessions: string;
  readonly durationMs: string;
}

/**
 * The sessions of one page, the latest started first.
 *
 * Where prepared tables can answer the filter (`findPreparedTables`), an index finds the sessions: those that began in
 * the period, and the few that began earlier and went on in it. For other filters, the calls are summed first.
 */
export async function readSessions(db: Queryable, filter: UsageFilter, page: Page): Promise<SessionUsage[]> {
  if (filter.attributes) return readSessionsOfRecords(db, filter, page);
  const tables = findPreparedTables(filter);
  const { rows } = await db.query<SessionUsage>(
    `with listed as (${tables ? listedByIndex(tables) : listedBySums})
     select l.session_id as "sessionId", external_id as "externalId", l.started_at as "startedAt",
       last_request_at as "lastRequestAt", request_count as "requestCount", unpriced_count as "unpricedCount",
       total_tokens as "totalTokens", cost_usd as "costUsd", models
     from listed l
       cross join lateral (
         select max(last_request_at) as last_request_at, sum(request_count) as request_count,
           sum(unpriced_count) as unpriced_count, sum(total_tokens) as total_tokens, sum(cost_usd) as cost_usd,
           coalesce(array_agg(distinct ${askedModel} order by ${askedModel}) filter (where ${askedModel} <> ''), '{}') as models
         from chaperone.session_usage
         where organization_id = $1::uuid and user_id = l.user_id and session_id = l.session_id and ${isSelected}
       ) sums
       left join chaperone.users u on u.organization_id = $1::uuid and u.user_id = l.user_id
     order by l.started_at desc, l.user_id, l.session_id`,
    [...valuesOf(filter), page.limit, page.offset],
  );
  return rows;
}

/** No table of sessions tells attributes apart, so all of the filter's records are summed. */
async function readSessionsOfRecords(db: Queryable, filter: UsageFilter, page: Page): Promise<SessionUsage[]> {
  const { rows } = await db.query<SessionUsage>(
    `select s.session_id as "sessionId", external_id as "externalId", s.started_at as "startedAt",
       last_request_at as "lastRequestAt", request_count as "requestCount", unpriced_count as "unpricedCount",
       total_tokens as "totalTokens", cost_usd as "costUsd", models
     from (
       select user_id, session_id, min(started_at) as started_at, max(started_at) as last_request_at,
         count(*) as request_count, sum(unpriced_count) as unpriced_count, sum(total_tokens) as total_tokens,
         sum(cost_usd) as cost_usd,
         coalesce(array_agg(distinct ${askedModel} order by ${askedModel}) filter (where ${askedModel} <> ''), '{}') as models
       from ${recordsAsSessions(filter, 10)}
       group by user_id, session_id
       order by started_at desc, user_id, session_id
       limit $8::bigint offset $9::bigint
     ) s
       left join chaperone.users u on u.organization_id = $1::uuid and u.user_id = s.user_id
     order by s.started_at desc, s.user_id, s.session_id`,
    [...valuesOf(filter), page.limit, page.offset, ...attributeValues(filter)],
  );
  return rows;
}

/** Reads the number of sessions, how many had a call since `activeSince`, and their total duration. */
export async function readSessionTotals(db: Queryable, filter: UsageFilter, activeSince: Date): Promise<SessionTotals> {
  const tables = findPreparedTables(filter);
  const { rows } = await db.query<SessionTotals>(tables ? totalsBySpans(tables) : totalsOf(summedBy(filter)), [
    ...valuesOf(filter),
    activeSince,
    ...attributeValues(filter),
  ]);
  const [totals] = rows;
  return totals ?? { sessions: '0', activeSessions: '0', durationMs: '0' };
}

/** Prepared tables with one row per session or per span of days, by user. */
interface PreparedTables {
  readonly sessions: string;
  readonly spans: string;
  /** The SQL condition that selects the rows of the filter. */
  readonly condition: string;
}

const facets = { sessions: 'chaperone.session_facets', spans: 'chaperone.facet_spans' } as const;
const places = {
  all: { sessions: 'chaperone.sessions', spans: 'chaperone.session_spans', condition: 'true' },
  persona: { ...facets, condition: `facet = 'persona:' || $6::uuid::text` },
  model: { ...facets, condition: `facet = 'model:' || $7::text` },
} as const satisfies Record<string, PreparedTables>;

/** Chooses the prepared tables: there are some for all calls, for one persona's and for one model's. */
function findPreparedTables({ kind, personaId, model, attributes }: UsageFilter): PreparedTables | undefined {
  if (kind !== 'call' || attributes) return undefined;
  if (personaId === null) return model === null ? places.all : model === '' ? undefined : places.model;
  return model === null && personaId !== nobody ? places.persona : undefined;
}

function valuesOf({ organizationId, firstDay, lastDay, kind, userId, personaId, model }: UsageFilter) {
  return [organizationId, firstDay, lastDay, kind, userId, personaId, model];
}

/** Selects rows of `session_usage`, for any user. */
const isSelected = `
  day between $2::date and $3::date and ($4::text is null or kind = $4::text)
    and ($6::uuid is null or persona_id = $6::uuid)
    and ($7::text is null or model = $7::text or requested_model = $7::text)`;

const listedByIndex = ({ sessions, condition }: PreparedTables) => `
  (
    select user_id, session_id, first_call_at as started_at
    from ${sessions}
    where organization_id = $1::uuid and ${condition} and first_call_at >= ${startOf('$2::date')}
      and first_call_at < ${startOf('$3::date + 1')} and ($5::uuid is null or user_id = $5::uuid)
    order by first_call_at desc, user_id, session_id
    limit $8::bigint + $9::bigint
  )
  union all
  select s.user_id, s.session_id, inside.started_at
  from ${sessions} s
    cross join lateral (
      select min(first_request_at) as started_at
      from chaperone.session_usage
      where organization_id = $1::uuid and user_id = s.user_id and session_id = s.session_id and ${isSelected}
    ) inside
  where s.organization_id = $1::uuid and ${condition} and s.first_call_day < s.last_call_day
    and s.last_call_day >= $2::date and s.first_call_day < $2::date and ($5::uuid is null or s.user_id = $5::uuid)
    and inside.started_at is not null
  order by started_at desc, user_id, session_id
  limit $8::bigint offset $9::bigint`;

const summedSessions = `
  select user_id, session_id, min(first_request_at) as started_at, max(last_request_at) as last_request_at
  from chaperone.session_usage
  where organization_id = $1::uuid and ($5::uuid is null or user_id = $5::uuid) and ${isSelected}
  group by user_id, session_id`;

const listedBySums = `
  select user_id, session_id, started_at
  from (${summedSessions}) s
  order by started_at desc, user_id, session_id
  limit $8::bigint offset $9::bigint`;

const summedBy = (filter: UsageFilter) =>
  filter.attributes
    ? `
  select user_id, session_id, min(started_at) as started_at, max(started_at) as last_request_at
  from ${recordsAsSessions(filter, 9)}
  group by user_id, session_id`
    : summedSessions;

const totalsOf = (sessions: string) => `
  select count(*) as sessions, count(*) filter (where last_request_at >= $8::timestamptz) as "activeSessions",
    coalesce(sum(extract(epoch from last_request_at) - extract(epoch from started_at)), 0) * 1000 as "durationMs"
  from (${sessions}) s`;

/** Counts whole sessions from the spans, and sessions that an edge of the period cuts one by one. */
const totalsBySpans = ({ sessions, spans, condition }: PreparedTables) => `
  select whole.sessions + cut.sessions as sessions, active.sessions as "activeSessions",
    whole.duration_ms + cut.duration_ms as "durationMs"
  from (
    select coalesce(sum(session_count), 0) as sessions, coalesce(sum(duration_ms), 0) as duration_ms
    from ${spans}
    where organization_id = $1::uuid and ${condition} and first_day >= $2::date and last_day <= $3::date
      and ($5::uuid is null or user_id = $5::uuid)
  ) whole, (
    select count(*) as sessions,
      coalesce(sum(extract(epoch from inside.last_request_at) - extract(epoch from inside.started_at)), 0) * 1000
        as duration_ms
    from ${sessions} s
      cross join lateral (
        select min(first_request_at) as started_at, max(last_request_at) as last_request_at
        from chaperone.session_usage
        where organization_id = $1::uuid and user_id = s.user_id and session_id = s.session_id and ${isSelected}
      ) inside
    where s.organization_id = $1::uuid and ${condition} and s.first_call_day < s.last_call_day
      and s.last_call_day >= $2::date and s.first_call_day <= $3::date
      and (s.first_call_day < $2::date or s.last_call_day > $3::date)
      and ($5::uuid is null or s.user_id = $5::uuid) and inside.started_at is not null
  ) cut, (
    select count(*) as sessions
    from (
      select user_id, session_id
      from chaperone.session_usage
      where organization_id = $1::uuid and ($5::uuid is null or user_id = $5::uuid) and ${isSelected}
        and day >= ($8::timestamptz at time zone 'UTC')::date and last_request_at >= $8::timestamptz
      group by user_id, session_id
    ) s
  ) active`;
