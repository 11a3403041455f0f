import { statementName } from '../client.ts';
import type { Queryable } from '../queryable.ts';
import type { Level } from './costs.ts';
import { serviceOfRequest } from './service-of.ts';
import { isOfSession, type SessionFilter, valuesOf } from './sessions.ts';

/** How a session went. Counts are text; latencies are averages in milliseconds, null where there is nothing to average. */
export interface SessionMetrics {
  readonly turns: string;
  readonly successful: string;
  readonly failed: string;
  readonly interrupted: string;
  readonly asrMs: number | null;
  readonly llmMs: number | null;
  readonly translationMs: number | null;
  readonly ttsMs: number | null;
  readonly totalMs: number | null;
  readonly cacheHits: string;
  readonly cacheMisses: string;
  readonly llmCacheHits: string;
  readonly llmCacheMisses: string;
  readonly ttsCacheHits: string;
  readonly ttsCacheMisses: string;
  readonly violations: string;
  readonly blocks: string;
  /** US dollars. */
  readonly costUsd: string;
  readonly optimizationLevel: Level | null;
  readonly language: string | null;
}

/**
 * Sums how a session went.
 *
 * A turn is what has one turn id: calls, posted costs, calls that a guardrail refused. A call without one is a turn of
 * its own. It went as the application has said by closing it. Of others, one has failed in which a call failed, was cut
 * by the proxy or was refused by a guardrail; else one was interrupted in which a client left before the end of an
 * answer.
 *
 * The latency of a service is that of its completed calls, or what the application has measured for the turn. The whole
 * of a successful turn lasts from the beginning of its first call to the end of its last, unless it was measured.
 */
export async function readSessionMetrics(db: Queryable, filter: SessionFilter): Promise<SessionMetrics | undefined> {
  const { rows } = await db.query<SessionMetrics>({
    // Prepared once for each connection: over many partitions, planning takes longer than reading.
    name: statementName(db, 'session-metrics'),
    text: `with stated as materialized (
       select user_id, turn_id, status, asr_ms, llm_ms, translation_ms, tts_ms, total_ms
       from chaperone.session_turns
       where ${isOfSession}
     ), part as materialized (
       select user_id, turn_id, case when turn_id is null then request_id end as own_id, ${serviceOfRequest} as service,
         status, started_at, duration_ms, cost_usd, cache_status = 'hit' as is_hit,
         cache_status is not null and cache_status <> 'bypass' as is_cacheable,
         coalesce(cardinality(guardrail_hits), 0) as violations, error_code = 'guardrail_blocked' as is_blocked,
         optimization_level, language
       from chaperone.requests
       where ${isOfSession} and kind = 'call'
       union all
       select user_id, turn_id, null, service, 'posted', occurred_at, null, case when is_cached then 0 else cost_usd end,
         is_cached, is_cached is not null, 0, false, optimization_level, null
       from chaperone.session_costs
       where ${isOfSession}
       union all
       select user_id, turn_id, case when turn_id is null then request_id end, null, 'failed', started_at, null, null,
         false, false, cardinality(guardrail_hits), true, null, null
       from chaperone.guardrail_blocks
       where ${isOfSession}
     ), turn as (
       select case
           when s.status = 'completed' then 'successful'
           when s.status is not null then s.status
           when p.has_failed then 'failed'
           when p.was_cancelled then 'interrupted'
           else 'successful'
         end as status, coalesce(s.total_ms, p.lasted_ms) as total_ms
       from (
           select user_id, turn_id, bool_or(status in ('failed', 'interrupted')) as has_failed,
             bool_or(status = 'cancelled') as was_cancelled,
             (extract(epoch from max(started_at + duration_ms * interval '1 millisecond'))
               - extract(epoch from min(started_at) filter (where duration_ms is not null)))::double precision * 1000 as lasted_ms
           from part
           where turn_id is not null or own_id is not null
           group by user_id, turn_id, own_id
         ) p
         full join stated s on s.user_id = p.user_id and s.turn_id = p.turn_id
     ), measured as (
       select user_id, turn_id, service, ms
       from stated
         cross join lateral (
           values ('asr', asr_ms), ('llm', llm_ms), ('translation', translation_ms), ('tts', tts_ms)
         ) m (service, ms)
       where ms is not null
     ), latency as (
       select service, ms from measured
       union all
       select service, duration_ms
       from part
       -- Not a join: of so few rows as PostgreSQL expects here, it would compare each with each.
       where status = 'completed' and duration_ms is not null
         and (turn_id is null or (user_id, turn_id, service) not in (select user_id, turn_id, service from measured))
     ), turns as (
       select count(*) as turns, count(*) filter (where status = 'successful') as successful,
         count(*) filter (where status = 'failed') as failed, count(*) filter (where status = 'interrupted') as interrupted,
         avg(total_ms) filter (where status = 'successful') as "totalMs"
       from turn
     ), latencies as (
       select avg(ms) filter (where service = 'asr') as "asrMs", avg(ms) filter (where service = 'llm') as "llmMs",
         avg(ms) filter (where service = 'translation') as "translationMs", avg(ms) filter (where service = 'tts') as "ttsMs"
       from latency
     ), sums as (
       select count(*) filter (where is_cacheable and is_hit) as "cacheHits",
         count(*) filter (where is_cacheable and not is_hit) as "cacheMisses",
         count(*) filter (where is_cacheable and is_hit and service = 'llm') as "llmCacheHits",
         count(*) filter (where is_cacheable and not is_hit and service = 'llm') as "llmCacheMisses",
         count(*) filter (where is_cacheable and is_hit and service = 'tts') as "ttsCacheHits",
         count(*) filter (where is_cacheable and not is_hit and service = 'tts') as "ttsCacheMisses",
         coalesce(sum(violations), 0) as violations, count(*) filter (where is_blocked) as blocks,
         coalesce(sum(cost_usd), 0) as "costUsd"
       from part
     )
     select *,
       (select optimization_level from part where optimization_level is not null order by started_at desc limit 1)
         as "optimizationLevel",
       (select language from part where language is not null order by started_at desc limit 1) as language
     from turns, latencies, sums
     where exists (select from part) or exists (select from stated)`,
    values: valuesOf(filter),
  });
  return rows[0];
}
