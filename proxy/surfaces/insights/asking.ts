import type { ProblemCode } from '../../error.ts';

/** Why a request that asks a model can be refused. */
export const asking: readonly ProblemCode[] = [
  'surface_not_allowed',
  'user_inactive',
  'model_not_allowed',
  'no_api_key',
  'limit_reached',
  'insufficient_quota',
  'quota_unavailable',
  'guardrail_blocked',
  'answer_held',
  'guardrail_unavailable',
  'spool_full',
  'spool_unwritable',
  'upstream_unreachable',
  'upstream_timeout',
  'upstream_interrupted',
  'upstream_invalid_response',
  'upstream_refused',
  'upstream_incomplete',
  'upstream_rate_limited',
  'upstream_error',
];
