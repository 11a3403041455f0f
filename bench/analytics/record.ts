import { randomBytes } from 'node:crypto';
import { makeRequestId, userIdOf } from '../../database/ids.ts';
import type { RequestRecord } from '../../database/requests.ts';
import { history } from './history.ts';

/** The number of concurrent sessions. */
const openSessions = 1_000;

/** A record of now, as of an application with many concurrent sessions. */
export function makeRecord(organizationId: string, index: number): RequestRecord {
  // A session's calls are in order, with those of other sessions between them.
  const session = (index % openSessions) + openSessions * Math.floor(index / openSessions / history.callsPerSession);
  const user = `user-${Math.floor((session * 7919) % history.users)}@example.com`;
  const startedAtMs = Date.now();
  return {
    request_id: makeRequestId(startedAtMs),
    started_at: new Date(startedAtMs).toISOString(),
    kind: 'call',
    operation: 'responses',
    user_id: userIdOf(organizationId, user),
    user_external_id: user,
    session_id: `sess_ingest_${process.pid}_${session}`,
    turn_id: null,
    namespace: 'shop',
    workload: 'checkout',
    persona_id: null,
    api_key_id: null,
    provider: 'openai',
    requested_model: 'gpt-4o',
    model: history.models[session % history.models.length] ?? null,
    is_stream: false,
    status: 'completed',
    http_status: 200,
    error_code: null,
    // Begins with the time, as OpenAI's ids do.
    response_id: `resp_${Math.floor(startedAtMs / 1_000).toString(16)}${randomBytes(16).toString('hex')}`,
    previous_response_id: null,
    input_tokens: 250,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 250,
    reasoning_tokens: 0,
    total_tokens: 500,
    cost_usd: '0.003125',
    duration_ms: 1_500,
    time_to_first_token_ms: null,
  };
}
