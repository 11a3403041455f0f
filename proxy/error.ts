interface Problem {
  readonly status: number;
  readonly message: string;
  /** Headers of every answer with this problem. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Every error that the proxy itself can answer. The code says precisely what happened. `message` begins with the
 * sentence of the API document, and says what is wrong and what to do. A surface turns the code into its own envelope.
 */
export const problems = {
  invalid_credentials: {
    status: 401,
    message: 'Invalid authentication credentials: the token or key is unknown here, has expired or was revoked',
  },
  issuer_unavailable: { status: 503, message: 'The keys of the issuer of this token cannot be had; try again' },
  user_required: {
    status: 400,
    message:
      'User not found: send your id of the user in the header X-User-ID, or use a token for one user (chaperone token --organization NAME --user YOU)',
  },
  user_mismatch: {
    status: 403,
    message: 'X-User-ID is not the user that the credential was issued to; leave the header out, or send that user',
  },
  user_not_allowed: { status: 403, message: 'The organization does not let this workload call for this user' },
  role_required: { status: 403, message: 'This needs a credential with another role' },
  public_key_not_allowed: {
    status: 403,
    message: 'A public key opens only the support conversations of a visitor; use a secret key, on a server',
  },
  origin_not_allowed: {
    status: 403,
    message: 'The public key is not for pages of this origin; an admin can add the origin to the key',
  },
  access_key_not_found: { status: 404, message: 'Key not found: GET /v1/keys lists those that there are' },
  invalid_header: { status: 400, message: 'Error processing request: a header cannot be read' },
  invalid_json: { status: 400, message: 'Error processing request: the body is not a JSON object' },
  invalid_request: { status: 400, message: 'Error processing request: the request cannot be read' },
  headers_too_large: {
    status: 431,
    message: 'Error processing request: the headers of the request have more than 16 KB',
  },
  request_timeout: {
    status: 408,
    message: 'Error processing request: the request did not arrive in time; try again',
    headers: { connection: 'close' },
  },
  request_too_large: { status: 413, message: 'Error processing request: the body is larger than the proxy takes' },
  unsupported_encoding: {
    status: 415,
    message: 'Error processing request: the body has a Content-Encoding that the proxy does not read',
  },
  overloaded: {
    status: 503,
    message: 'The proxy holds as many bodies as it may; try again in a moment',
    headers: { 'retry-after': '1' },
  },
  persona_not_found: {
    status: 404,
    message: 'Persona not found or not accessible: GET /v1/personas lists those that you may use',
  },
  idempotency_key_reused: {
    status: 422,
    message: 'This Idempotency-Key was used for another request; use a new one for each request',
  },
  idempotency_in_progress: {
    status: 409,
    message: 'The request with this Idempotency-Key is still under way; try again in a moment',
    headers: { 'retry-after': '1' },
  },
  name_taken: { status: 409, message: 'The name is taken' },
  owned_by_resource: { status: 409, message: 'It is owned by a Kubernetes resource; change it there' },
  persona_not_supported: {
    status: 400,
    message: 'Error processing request: this API takes no persona; leave persona_id out',
  },
  previous_response_not_found: { status: 400, message: 'Previous response not found.' },
  model_not_allowed: {
    status: 403,
    message: 'The organization does not allow this model; GET /v1/models lists those that it allows',
  },
  ceiling_exceeded: { status: 400, message: 'The call asks for more than a ceiling of the organization allows' },
  tool_not_allowed: { status: 403, message: 'The organization does not allow this tool' },
  surface_not_allowed: { status: 403, message: 'The organization does not serve this API' },
  model_not_found: { status: 404, message: 'The model does not exist or you do not have access to it' },
  no_api_key: {
    status: 403,
    message: 'No active API key found for organization: it needs an ApiKeyBinding that is Ready',
  },
  organization_deleted: { status: 403, message: 'The organization has been deleted' },
  user_not_found: { status: 404, message: 'User not found: GET /v1/users lists those that there are' },
  user_inactive: {
    status: 403,
    message: 'The user of X-User-ID, or of the credential, has been deactivated; an admin can activate it again',
  },
  resource_not_found: { status: 404, message: 'Not found: nothing of yours has this id' },
  request_not_found: { status: 404, message: 'Request not found: no call of yours has this request id or response id' },
  conversation_not_found: {
    status: 404,
    message: 'Conversation not found: GET /api/conversations lists those that you may read',
  },
  analysis_exists: { status: 409, message: 'Analysis already exists: regenerate it to have it made anew' },
  analysis_not_found: { status: 404, message: 'No analysis found: POST /api/analyses asks for one' },
  queue_error: {
    status: 503,
    message:
      'The analysis could not be queued: the organization has as many background jobs as it may; try again later',
    headers: { 'retry-after': '60' },
  },
  article_not_found: {
    status: 404,
    message: 'Article not found: GET /api/v1/knowledge-base lists those that there are',
  },
  session_not_found: { status: 404, message: 'Session not found: nothing is known of a session of yours with this id' },
  contents_not_stored: {
    status: 422,
    message: 'What was said in this request is not stored, so it cannot be analyzed',
  },
  nothing_to_analyze: { status: 422, message: 'The request has no text to analyze' },
  analysis_config_not_found: {
    status: 404,
    message: 'Analysis config not found: GET /v1/analysis/configs lists those that are active',
  },
  mapping_not_found: {
    status: 404,
    message: 'Mapping not found: nothing of yours has this id, or it is kept no longer',
  },
  batch_not_found: { status: 404, message: 'Batch not found: no batch of yours has this id, or it is kept no longer' },
  review_item_not_found: {
    status: 404,
    message: 'Review item not found: nothing that you may read has this id, or it is kept no longer',
  },
  review_item_claimed: { status: 409, message: 'Another reviewer has claimed the item; claim the next one' },
  review_item_decided: { status: 409, message: 'The item is decided already' },
  training_unavailable: { status: 503, message: 'The organization cannot train or deploy models' },
  training_quota_reached: { status: 429, message: 'The organization trains or serves as many models as it may' },
  training_job_not_found: {
    status: 404,
    message: 'Training job not found: GET /api/v1/ai/training-jobs lists those that there are',
  },
  training_job_ended: { status: 409, message: 'The training job has ended already' },
  deployment_not_found: {
    status: 404,
    message: 'Deployment not found: GET /api/v1/ai/deployments lists those that there are',
  },
  deployment_not_ready: {
    status: 503,
    message: 'The deployment is not ready: GET /api/v1/ai/deployments says how it fares',
    headers: { 'retry-after': '5' },
  },
  language_unsupported: {
    status: 422,
    message: 'Only English is understood without a model; with "use_ai": true, a model reads any language',
  },
  job_not_found: {
    status: 404,
    message: 'Job not found: GET /v1/jobs?state=dead lists those that have no attempt left',
  },
  webhook_not_found: {
    status: 404,
    message: 'Webhook not found: GET /v1/webhooks lists those that there are',
  },
  websocket_not_served: {
    status: 426,
    message: 'WebSockets are not served here: send the same call by POST, with "stream": true',
    // RFC 9110, section 15.5.22: the protocol that is spoken here. Clients fall back to HTTP by the status.
    headers: { upgrade: 'HTTP/1.1', connection: 'upgrade, close' },
  },
  websocket_required: {
    status: 426,
    message: 'This is a WebSocket: open it with a client of this API, such as OpenAI’s SDKs',
    headers: { upgrade: 'websocket', connection: 'upgrade' },
  },
  session_expired: { status: 408, message: 'The session is over; open another one' },
  route_not_found: { status: 404, message: 'Unknown request URL' },
  limit_reached: { status: 429, message: 'A limit of the organization is reached' },
  insufficient_quota: {
    status: 429,
    message: 'You exceeded your current quota: a budget of the organization is used up',
  },
  quota_unavailable: {
    status: 503,
    message: 'The database cannot be reached, and a limit or budget denies calls that it cannot count; try again',
  },
  guardrail_blocked: { status: 400, message: 'A guardrail of the organization does not let this pass' },
  answer_held: {
    status: 403,
    message: 'A guardrail of the organization holds this answer until a person releases it',
  },
  guardrail_unavailable: {
    status: 503,
    message: 'A guardrail of the organization cannot check this, so it does not pass; try again later',
    headers: { 'retry-after': '5' },
  },
  spool_full: {
    status: 503,
    message: 'The usage spool is full, and no call is made that could not be accounted for; try again later',
  },
  spool_unwritable: {
    status: 503,
    message: 'The usage spool cannot be written, and no call is made that could not be accounted for; try again later',
  },
  not_cached: {
    status: 504,
    message: 'The cache has no answer to this call, and Cache-Control: only-if-cached wants no other',
  },
  shutting_down: { status: 503, message: 'The proxy is shutting down; try again' },
  records_pending: {
    status: 503,
    message: 'The calls that were just answered are still on their way to the database; try again in a moment',
  },
  store_unavailable: { status: 503, message: 'The database cannot be used at present; try again' },
  upstream_unreachable: { status: 502, message: 'Error processing request: the provider cannot be reached; try again' },
  upstream_no_credential: {
    status: 502,
    message: 'Error processing request: the proxy has no credential for the provider at present',
  },
  upstream_timeout: {
    status: 502,
    message: 'Error processing request: the provider did not answer in time; try again',
  },
  upstream_interrupted: {
    status: 502,
    message: 'Error processing request: the answer of the provider was cut off; try again',
  },
  upstream_invalid_response: {
    status: 502,
    message: 'Error processing request: the answer of the provider cannot be read',
  },
  upstream_refused: { status: 502, message: 'Error processing request: the provider refused the call' },
  upstream_incomplete: {
    status: 502,
    message: 'Error processing request: the provider ended its answer before it was complete',
  },
  upstream_rate_limited: {
    status: 429,
    message: 'Error processing request: the provider has had too many calls; try again later',
  },
  upstream_error: { status: 502, message: 'Error processing request: the provider had an error; try again' },
  internal_error: {
    status: 500,
    message: 'Internal error: the log of the proxy says more, at the request id that X-Request-ID tells',
  },
} as const satisfies Readonly<Record<string, Problem>>;

export type ProblemCode = keyof typeof problems;

/** The sentences that the API document tells its users of. */
const documentedSentences = [
  'Invalid authentication credentials',
  'User not found',
  'Persona not found or not accessible',
  'No active API key found for organization',
  'Error processing request',
];

/** What refused a request, as the audit log names it. It never says what was found. */
export interface RefusingRule {
  readonly kind: 'limit' | 'budget' | 'tier' | 'guardrail' | 'field';
  /** The rule's name, or the field of the Organization that decides. */
  readonly name: string;
  /** Of a guardrail. */
  readonly detector?: string | undefined;
  /** Of a guardrail: whether it refuses what the caller says, or the answer. */
  readonly side?: 'Input' | 'Output' | undefined;
}

export interface ProxyErrorOptions {
  readonly param?: string;
  readonly message?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly rule?: RefusingRule;
  readonly cause?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const nothing = {};

/** The one error type of the proxy. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ProblemCode;
  readonly status: number;
  /** The header or body field that the problem is about. */
  readonly param: string | null;
  /** Facts for programs, such as `{field, expected}` of a field that is not valid. Envelopes that have a place for them show them. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The rule of the configuration that refuses, for the audit log. */
  readonly rule: RefusingRule | undefined;
  /** Headers of the answer, such as Retry-After. Whoever answers may add to them. */
  headers: Readonly<Record<string, string>>;
  /** The trace of the call, if it is recorded. */
  traceId: string | undefined;

  /**
   * @param options.message what is wrong and what to do, in place of what the table says; the sentence that the API
   *   document has for the code is put before it
   * @param options.headers added to the headers that the table has for the code
   */
  constructor(code: ProblemCode, options: ProxyErrorOptions = {}) {
    super(messageOf(code, options.message), { cause: options.cause });
    const { status, headers = nothing }: Problem = problems[code];
    this.code = code;
    this.status = status;
    this.param = options.param ?? null;
    this.details = options.details ?? nothing;
    this.rule = options.rule;
    this.headers = options.headers ? { ...headers, ...options.headers } : headers;
  }

  /** The same problem, with a message that also names the part of the request that has it. */
  within(part: string, param: string): ProxyError {
    const { code, message, details, headers, rule } = this;
    const sentence = sentenceOf(code);
    const detail =
      sentence !== undefined && message.startsWith(`${sentence}: `) ? message.slice(sentence.length + 2) : message;
    return new ProxyError(code, {
      ...{ param, message: `${part}: ${detail}`, details, headers, cause: this },
      ...(rule && { rule }),
    });
  }
}

function messageOf(code: ProblemCode, detail: string | undefined): string {
  if (detail === undefined) return problems[code].message;
  const sentence = sentenceOf(code);
  return sentence === undefined ? detail : `${sentence}: ${detail}`;
}

function sentenceOf(code: ProblemCode): string | undefined {
  return documentedSentences.find((documented) => problems[code].message.startsWith(documented));
}
