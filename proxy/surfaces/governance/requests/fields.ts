import { type Static, Type } from 'typebox';
import type { ListedRequest } from '../../../governance/requests/list.ts';
import { Nullable, Timestamp, Uuid } from '../../../http/schemas.ts';

export const statuses = ['completed', 'failed', 'cancelled', 'interrupted'] as const;
export const cacheResults = ['hit', 'miss', 'bypass'] as const;

const tokens = (description: string) => Nullable(Type.Integer(), description);
export const milliseconds = (description: string) => Nullable(Type.Integer(), `Milliseconds: ${description}`);

/** What lists say of a call. */
export const listed = {
  request_id: Type.String({ description: 'As in X-Request-ID.' }),
  started_at: Timestamp,
  kind: Type.Enum(['call', 'analysis'], { description: 'Whether a user made it, or an analysis.' }),
  operation: Type.String({ description: '`responses`, `chat`, `embeddings` and others.' }),
  status: Type.Enum([...statuses]),
  http_status: Nullable(Type.Integer(), 'Null where there was no answer.'),
  error_code: Nullable(Type.String()),
  user_id: Nullable(Type.String(), 'X-User-ID; null for calls without a user.'),
  session_id: Type.String(),
  conversation_id: Nullable(Uuid, 'Null for calls that are none of texts.'),
  branch_id: Nullable(Type.String()),
  persona_id: Nullable(Uuid),
  persona: Nullable(Type.String(), 'Its name.'),
  namespace: Nullable(Type.String(), 'Of the pod; null outside of pods.'),
  workload: Nullable(Type.String()),
  client: Nullable(Type.String(), 'The program that called, as it says itself.'),
  client_version: Nullable(Type.String()),
  provider: Type.String(),
  requested_model: Nullable(Type.String(), 'As it was asked for, or as `model_alias` stands for it.'),
  model_alias: Nullable(Type.String()),
  model: Nullable(Type.String(), 'The model that answered.'),
  is_stream: Type.Boolean(),
  input_tokens: tokens('Null where the usage is not known.'),
  output_tokens: tokens('Null where the usage is not known.'),
  total_tokens: tokens('Null where the usage is not known.'),
  total_cost: Nullable(Type.Number(), 'US dollars; null where the price is not known.'),
  duration_ms: milliseconds('to the end of the answer.'),
  time_to_first_token_ms: milliseconds('to the first part of a streamed answer.'),
  cache: Nullable(Type.Enum([...cacheResults]), 'What the cache of answers did; null without one.'),
  guardrail_hits: Type.Array(Type.String(), { description: 'The guardrails that found something, by name.' }),
  attempt_count: Type.Integer({ description: 'How many requests to providers it took; 0: the cache answered.' }),
};

const Listed = Type.Object(listed);

export function showListed(call: ListedRequest): Static<typeof Listed> {
  return {
    ...{ request_id: call.requestId, started_at: call.startedAt.toISOString(), kind: call.kind },
    ...{ operation: call.operation, status: call.status, http_status: call.httpStatus, error_code: call.errorCode },
    ...{ user_id: call.user, session_id: call.sessionId, conversation_id: call.conversationId },
    ...{ branch_id: call.branchId, persona_id: call.personaId, persona: call.persona, namespace: call.namespace },
    ...{ workload: call.workload, client: call.clientName, client_version: call.clientVersion },
    ...{ provider: call.provider, requested_model: call.requestedModel, model_alias: call.modelAlias },
    ...{ model: call.model, is_stream: call.isStream, input_tokens: call.inputTokens },
    ...{ output_tokens: call.outputTokens, total_tokens: call.totalTokens, total_cost: dollars(call.costUsd) },
    ...{ duration_ms: call.durationMs, time_to_first_token_ms: call.timeToFirstTokenMs, cache: call.cacheStatus },
    guardrail_hits: [...(call.guardrailHits ?? [])],
    attempt_count: call.cacheStatus === 'hit' ? 0 : (call.attempts?.length ?? 0) + 1,
  };
}

export function dollars(costUsd: string | null): number | null {
  return costUsd === null ? null : Number(costUsd);
}

export const exampleListed: Static<typeof Listed> = {
  ...{ request_id: 'req_019abcdef01234567890abcdef012345', started_at: '2026-06-07T12:34:56.000Z' },
  ...{ kind: 'call', operation: 'chat', status: 'completed', http_status: 200, error_code: null },
  ...{ user_id: 'user@example.com', session_id: 'sess_1234567890abcdef' },
  ...{ conversation_id: '123e4567-e89b-12d3-a456-426614174000', branch_id: 'main', persona_id: null, persona: null },
  ...{ namespace: 'web', workload: 'shop', client: 'OpenAI/Python', client_version: '2.15.0', provider: 'openai' },
  ...{ requested_model: 'gpt-4o', model_alias: null, model: 'gpt-4o-2024-08-06', is_stream: true },
  ...{ input_tokens: 300, output_tokens: 100, total_tokens: 400, total_cost: 0.0031, duration_ms: 1_840 },
  ...{ time_to_first_token_ms: 320, cache: null, guardrail_hits: [], attempt_count: 1 },
};
