import type { ProblemCode, ProxyError, RefusingRule } from '../error.ts';

/**
 * Which refusals are in the audit log: those in which the organization's rules decide about a caller. `true`, or the
 * field of the Organization that decides. Requests that cannot be read, ids that do not exist, and what providers and
 * the proxy itself lack are not among them; `chaperone_refused_calls_total` counts them all.
 */
const audited: Readonly<Record<ProblemCode, boolean | string>> = {
  invalid_credentials: true,
  issuer_unavailable: true,
  user_required: 'spec.authentication.requireUser',
  user_mismatch: true,
  user_not_allowed: 'spec.authentication.workloadUsers',
  user_inactive: true,
  role_required: true,
  public_key_not_allowed: true,
  origin_not_allowed: 'allowedOrigins',
  access_key_not_found: false,
  organization_deleted: true,
  // Another user's is refused as one that does not exist.
  persona_not_found: true,
  previous_response_not_found: true,
  resource_not_found: true,
  owned_by_resource: true,
  model_not_allowed: 'spec.models',
  surface_not_allowed: 'spec.surfaces',
  model_not_found: true,
  no_api_key: true,
  limit_reached: true,
  insufficient_quota: true,
  quota_unavailable: true,
  guardrail_blocked: true,
  guardrail_unavailable: true,
  answer_held: true,
  invalid_header: false,
  invalid_json: false,
  invalid_request: false,
  headers_too_large: false,
  request_timeout: false,
  request_too_large: false,
  unsupported_encoding: false,
  overloaded: false,
  idempotency_key_reused: false,
  idempotency_in_progress: false,
  name_taken: false,
  persona_not_supported: false,
  user_not_found: false,
  request_not_found: false,
  conversation_not_found: false,
  analysis_exists: false,
  analysis_not_found: false,
  queue_error: false,
  article_not_found: false,
  session_not_found: false,
  contents_not_stored: false,
  nothing_to_analyze: false,
  analysis_config_not_found: false,
  mapping_not_found: false,
  batch_not_found: false,
  review_item_not_found: false,
  review_item_claimed: false,
  review_item_decided: false,
  training_unavailable: false,
  training_quota_reached: 'spec.training',
  training_job_not_found: false,
  training_job_ended: false,
  deployment_not_found: false,
  deployment_not_ready: false,
  language_unsupported: false,
  job_not_found: false,
  webhook_not_found: false,
  websocket_not_served: false,
  session_expired: false,
  websocket_required: false,
  route_not_found: false,
  spool_full: false,
  spool_unwritable: false,
  shutting_down: false,
  records_pending: false,
  store_unavailable: false,
  upstream_unreachable: false,
  upstream_timeout: false,
  upstream_interrupted: false,
  upstream_invalid_response: false,
  upstream_refused: false,
  upstream_incomplete: false,
  upstream_rate_limited: false,
  upstream_error: false,
  upstream_no_credential: false,
  not_cached: false,
  ceiling_exceeded: 'spec.models.ceilings',
  tool_not_allowed: 'spec.models.ceilings',
  internal_error: false,
};

export function isAudited({ code }: ProxyError): boolean {
  return audited[code] !== false;
}

/** What refuses: the rule that the problem names, else the field that is known to. Undefined: no rule does. */
export function ruleOf({ code, rule }: ProxyError): RefusingRule | undefined {
  const decides = audited[code];
  return rule ?? (typeof decides === 'string' ? { kind: 'field', name: decides } : undefined);
}
