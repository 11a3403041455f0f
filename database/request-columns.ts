/** A column of the table `requests`. */
export interface RequestColumn {
  /** Its type in PostgreSQL. */
  readonly type: string;
  readonly unit?: string;
  /** Who says it: the proxy, the caller's headers, the call's body, the provider's answer, or the pod. */
  readonly from: 'proxy' | 'headers' | 'body' | 'answer' | 'pod';
  /** What it means, and when it is null. */
  readonly description: string;
}

const tokens = { type: 'bigint', unit: 'tokens', from: 'answer' } as const;

/**
 * The columns of the table `requests` beside `organization_id`, in the order in which docs/requests.md shows them. The
 * insert and the document are made from this table. test/database/request-columns.test.ts
 * compares it with the fields of `RequestRecord` and with the database.
 */
export const requestColumns = {
  request_id: {
    type: 'text',
    from: 'proxy',
    description: 'The id in the header `X-Request-ID`. It contains the time.',
  },
  started_at: { type: 'timestamp with time zone', from: 'proxy', description: 'When the call began.' },
  kind: { type: 'text', from: 'proxy', description: '`call`, or `analysis` for a call that an analysis made.' },
  operation: {
    type: 'text',
    from: 'proxy',
    description: 'What was asked: `responses`, `chat`, `embeddings` and others.',
  },
  status: { type: 'text', from: 'proxy', description: '`completed`, `failed`, `cancelled` or `interrupted`.' },
  user_id: {
    type: 'uuid',
    from: 'headers',
    description: 'The user who called, by the id in `chaperone.users`; another one after an erasure.',
  },
  session_id: {
    type: 'text',
    from: 'headers',
    description: 'The session: `X-Session-ID`, an inferred id, or a new one.',
  },
  turn_id: { type: 'text', from: 'headers', description: 'The turn of the session: `X-Turn-ID`. Null without it.' },
  conversation_id: {
    type: 'uuid',
    from: 'proxy',
    description:
      'The [conversation](conversations.md) of the call, as in `X-Conversation-ID`. Null for calls that are none of texts.',
  },
  branch_id: {
    type: 'text',
    from: 'proxy',
    description: 'Its branch: `main`, or `branch-` and eight digits, as in `X-Branch-ID`. Null without a conversation.',
  },
  message_digest: {
    type: 'bigint',
    from: 'proxy',
    description:
      'A keyed digest of the messages up to the answer. Equal calls have the same one. Null without a conversation.',
  },
  parent_digest: {
    type: 'bigint',
    from: 'proxy',
    description: 'The `message_digest` of the call that it continues. Null where it continues none.',
  },
  new_messages: {
    type: 'integer',
    unit: 'messages',
    from: 'proxy',
    description: 'How many messages it adds to the call that it continues. Null without a conversation.',
  },
  client_name: { type: 'text', from: 'headers', description: 'The program that called. Null where it does not say.' },
  client_version: { type: 'text', from: 'headers', description: 'Its version. Null where it does not say.' },
  namespace: { type: 'text', from: 'pod', description: 'The namespace of the pod. Null outside of pods.' },
  workload: { type: 'text', from: 'pod', description: 'The Deployment, Job or the like. Null outside of pods.' },
  persona_id: { type: 'uuid', from: 'proxy', description: 'The persona of the call. Null without one.' },
  api_key_id: { type: 'uuid', from: 'proxy', description: 'The provider key that was used. Null where none is known.' },
  provider: { type: 'text', from: 'proxy', description: 'The name in `spec.providers` of the Organization.' },
  requested_model: {
    type: 'text',
    from: 'body',
    description: 'The model that was asked for, or that `model_alias` stands for. Null where none was named.',
  },
  model_alias: {
    type: 'text',
    from: 'body',
    description: 'The alias by which the model was asked for. Null where it was named itself.',
  },
  optimization_level: {
    type: 'text',
    from: 'headers',
    description: '`quality`, `balanced` or `speed`: `X-Optimization-Level`. Null without it.',
  },
  service: {
    type: 'text',
    from: 'headers',
    description: '`asr`, `llm`, `translation` or `tts`: `X-Service`. Null without it: the operation says it then.',
  },
  language: {
    type: 'text',
    from: 'headers',
    description:
      'The language: `X-Language-Code`, else what a transcription reported in its answer. Null where neither says it.',
  },
  model: { type: 'text', from: 'answer', description: 'The model that answered. Null without an answer that says so.' },
  is_stream: { type: 'boolean', from: 'body', description: 'Whether a stream was asked for.' },
  safety_identifier: { type: 'text', from: 'body', description: 'The body’s `safety_identifier`. Null without it.' },
  end_user: { type: 'text', from: 'body', description: 'The body’s `user`. Null without it.' },
  previous_response_id: {
    type: 'text',
    from: 'body',
    description: 'The response that the call follows. Null without one.',
  },
  response_id: {
    type: 'text',
    from: 'answer',
    description: 'The provider’s id of the answer. Null where it has none.',
  },
  kept_ids: {
    type: 'bigint[]',
    from: 'answer',
    description: 'Digests of the ids by which later calls may refer to parts of the answer. Null where there are none.',
  },
  guardrail_hits: {
    type: 'text[]',
    from: 'proxy',
    description: 'The guardrails that found something in the call or in its answer, by name. Null where none did.',
  },
  attempts: {
    type: 'jsonb',
    from: 'proxy',
    description:
      'The requests to providers that failed before the one that answered: provider, key, kind and reason of the failure. Null where the first one answered.',
  },
  http_status: { type: 'integer', from: 'answer', description: 'The HTTP status. Null where there was no answer.' },
  error_code: { type: 'text', from: 'answer', description: 'The code of the error. Null without an error.' },
  input_tokens: { ...tokens, description: 'Input, with the parts below. Null where the usage is not known.' },
  cached_input_tokens: { ...tokens, description: 'The part of the input that was read from the provider’s cache.' },
  cache_write_tokens: { ...tokens, description: 'The part of the input that was written to the provider’s cache.' },
  input_audio_tokens: { ...tokens, description: 'The part of the input that is audio. Null where there is none.' },
  input_image_tokens: { ...tokens, description: 'The part of the input that is images. Null where there are none.' },
  cached_audio_tokens: {
    ...tokens,
    description: 'The part of the cached input that is audio. Null where there is none, or the provider does not say.',
  },
  cached_image_tokens: {
    ...tokens,
    description: 'The part of the cached input that is images. Null where there is none, or the provider does not say.',
  },
  output_tokens: { ...tokens, description: 'Output, with the parts below. Null where the usage is not known.' },
  reasoning_tokens: { ...tokens, description: 'The part of the output that is reasoning.' },
  output_audio_tokens: { ...tokens, description: 'The part of the output that is audio. Null where there is none.' },
  output_image_tokens: { ...tokens, description: 'The part of the output that is images. Null where there are none.' },
  total_tokens: { ...tokens, description: 'All tokens. Null where the usage is not known.' },
  images: { type: 'integer', unit: 'images', from: 'answer', description: 'Generated images. Null for other calls.' },
  image_size: {
    type: 'text',
    from: 'answer',
    description: 'Their size, on which the price depends. Null where not known.',
  },
  image_quality: {
    type: 'text',
    from: 'answer',
    description: 'Their quality, on which the price depends. Null where not known.',
  },
  audio_seconds: {
    type: 'numeric(12,3)',
    unit: 'seconds',
    from: 'answer',
    description: 'The length of the input audio. Null for other calls.',
  },
  characters: {
    type: 'bigint',
    unit: 'characters',
    from: 'body',
    description: 'The length of the text that was spoken. Null for other calls.',
  },
  cost_usd: {
    type: 'numeric(20,12)',
    unit: 'US dollars',
    from: 'proxy',
    description: 'The price of the usage. Null where it is not known: [unpriced](figures.md).',
  },
  cache_status: {
    type: 'text',
    from: 'proxy',
    description:
      'What the [cache](cache.md) did: `hit` (the answer is from it), `miss`, or `bypass` (the call is not for it). Null without a cache.',
  },
  avoided_cost_usd: {
    type: 'numeric(20,12)',
    unit: 'US dollars',
    from: 'proxy',
    description:
      'What the provider would have billed for a `hit`, at the prices of now. Null where that is not known, and for other calls.',
  },
  cache_savings_usd: {
    type: 'numeric(20,12)',
    unit: 'US dollars',
    from: 'proxy',
    description: 'Half of it: the estimate of savings that the session API states. Null where that is.',
  },
  duration_ms: {
    type: 'integer',
    unit: 'milliseconds',
    from: 'proxy',
    description: 'From the beginning of the call to its end. Null where the process died.',
  },
  time_to_first_token_ms: {
    type: 'integer',
    unit: 'milliseconds',
    from: 'proxy',
    description: 'From the beginning of the call to the first part of a streamed answer. Null for other calls.',
  },
} satisfies Readonly<Record<string, RequestColumn>>;

export const requestColumnEntries: readonly (readonly [name: string, RequestColumn])[] = Object.entries(requestColumns);

/** `request_id, started_at, …` */
export const requestColumnNames = requestColumnEntries.map(([name]) => name).join(', ');

/** `request_id text, started_at timestamp with time zone, …` */
export const requestColumnDefinitions = requestColumnEntries.map(([name, { type }]) => `${name} ${type}`).join(', ');
