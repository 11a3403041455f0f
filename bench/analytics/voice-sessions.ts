import type { Client } from 'pg';
import { userIdOf } from '../../database/ids.ts';

/** A session that a voice assistant keeps open for hours, in the midst of an organization's history. */
export const longSession = { id: 'session-long', user: 'user-7@example.com', turns: 500, ofDaysAgo: 3 } as const;

/** How many of a thousand calls are of sessions in which applications also post costs, and close turns. */
const statedPerMille = 10;

/**
 * Adds what applications say about sessions, and a session with the calls of four services in each of its turns: one
 * turn in fifty is interrupted, one in a hundred fails, and every fifth answer is from the cache.
 *
 * @returns the number of calls
 */
export async function addVoiceSessions(owner: Client, organizationId: string): Promise<number> {
  await owner.query(stateCosts, [organizationId, statedPerMille, null]);
  await owner.query(stateTurns, [organizationId, statedPerMille, null]);
  const { id, user, turns, ofDaysAgo } = longSession;
  const values = [organizationId, userIdOf(organizationId, user), id, turns, ofDaysAgo];
  const { rowCount } = await owner.query(insertLongSession, values);
  await owner.query(stateCosts, [organizationId, 1_000, id]);
  await owner.query(stateTurns, [organizationId, 1_000, id]);
  await owner.query('select chaperone.fold_usage_of($1::uuid, true)', [organizationId]);
  return rowCount ?? 0;
}

const stated = `
  from chaperone.requests
  where organization_id = $1::uuid and (hashtext(request_id) & 2147483647) % 1000 < $2::integer
    and ($3::text is null or session_id = $3::text)
  on conflict do nothing`;

const stateCosts = `
  insert into chaperone.session_costs (organization_id, entry_id, user_id, session_id, turn_id, service, provider, cost_usd,
    is_cached, occurred_at)
  select organization_id, gen_random_uuid(), user_id, session_id, turn_id, 'tts', 'sarvam', 0.0021, duration_ms % 4 = 0,
    started_at ${stated}`;

const stateTurns = `
  insert into chaperone.session_turns (organization_id, user_id, session_id, turn_id, status, asr_ms, total_ms, closed_at)
  select organization_id, user_id, session_id, coalesce(turn_id, request_id), 'completed', duration_ms / 4, duration_ms,
    started_at ${stated}`;

const insertLongSession = `
  insert into chaperone.requests (organization_id, request_id, started_at, kind, operation, user_id, session_id, turn_id,
    provider, requested_model, model, service, is_stream, status, http_status, response_id, input_tokens, output_tokens,
    total_tokens, cost_usd, cache_status, cache_savings_usd, duration_ms, language, optimization_level)
  select $1::uuid, 'req_' || substr(md5($3::text || turn || service), 1, 24),
    now() - $5::integer * interval '1 day' + turn * interval '20 seconds' + part * interval '1 second', 'call',
    operation, $2::uuid, $3::text, 'turn-' || turn, 'openai', model, model, service, false,
    case when turn % 50 = 0 then 'cancelled' when turn % 100 = 1 then 'failed' else 'completed' end, 200,
    'resp_' || md5($3::text || turn || service), 200, 60, 260, case when turn % 5 = 0 then 0 else 0.0004 end,
    case when turn % 5 = 0 then 'hit' else 'miss' end, case when turn % 5 = 0 then 0.0002 end, 400 + part * 100, 'hi-IN',
    'balanced'
  from generate_series(1, $4::integer) turn
    cross join (
      values ('asr', 'transcriptions', 'whisper-1', 0), ('llm', 'chat', 'gpt-4o-mini-2024-07-18', 1),
        ('translation', 'chat', 'gpt-4o-mini-2024-07-18', 2), ('tts', 'speech', 'gpt-4o-mini-tts', 3)
    ) s (service, operation, model, part)
  where not exists (select from chaperone.requests where organization_id = $1::uuid and session_id = $3::text)`;
