import { makeRequestId, userIdOf } from '../database/ids.ts';
import type { RequestRecord } from '../database/requests.ts';

/** Makes the record of a completed call of the user `ada`, with the given changes. */
export function makeRecord(organizationId: string, changes: Partial<RequestRecord> = {}): RequestRecord {
  const startedAt = changes.started_at ?? new Date().toISOString();
  return {
    request_id: makeRequestId(Date.parse(startedAt)),
    started_at: startedAt,
    kind: 'call',
    operation: 'responses',
    user_id: userIdOf(organizationId, 'ada'),
    user_external_id: 'ada',
    session_id: 'sess_1',
    turn_id: null,
    namespace: null,
    workload: null,
    persona_id: null,
    api_key_id: null,
    provider: 'openai',
    requested_model: 'gpt-4o',
    model: 'gpt-4o-2024-08-06',
    is_stream: false,
    status: 'completed',
    http_status: 200,
    error_code: null,
    response_id: null,
    previous_response_id: null,
    input_tokens: 10,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 20,
    reasoning_tokens: 0,
    total_tokens: 30,
    cost_usd: '0.000225',
    duration_ms: 12,
    time_to_first_token_ms: null,
    ...changes,
  };
}
