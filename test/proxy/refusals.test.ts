import assert from 'node:assert/strict';
import { type OutgoingHttpHeaders, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { before, describe, it } from 'node:test';
import { type ProblemCode, problems } from '../../proxy/error.ts';
import { suiteScope } from '../scope.ts';
import { type ScriptedProvider, sendJson, startScriptedProvider } from '../scripted-provider.ts';
import { type Stack, startStack } from '../stack.ts';

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: unknown;
  /** Of the caller, where it is not an admin without a user of its own. */
  readonly token?: { readonly user?: string; readonly roles?: string[] };
  /** How the provider answers. */
  readonly provider?: (response: ServerResponse) => unknown;
}
/** What is asked, the field that the answer names, and its message behind the document's sentence. */
type Refusal = readonly [param: string | null, message: string, asked: Asked];

const ok = { model: 'gpt-4o', input: 'Hi' };
const uuid = '0e7a1f6e-5555-4555-8555-555555555555';
const withBody = (body: unknown, path = '/v1/responses'): Asked => ({ path, body });
const withHeaders = (headers: OutgoingHttpHeaders): Asked => ({ headers, body: ok });
const get = (path: string, more: Asked = {}): Asked => ({ method: 'GET', path, ...more });
const transcribe = (body: string, boundary = '; boundary=b'): Asked => ({
  path: '/v1/audio/transcriptions',
  headers: { 'content-type': `multipart/form-data${boundary}` },
  body,
});
const part = (name: string, value: string) =>
  `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const model = part('model', 'gpt-4o-transcribe');
const member = { user: 'ada', roles: ['member'] };
const config = { analysis_type: 'intent', categories: [{ name: 'a', description: 'A' }] };

const processing = 'Error processing request: ';
const notItsName = (what: string) => `id must be a ${what}'s id, not its name`;
const persona = 'Persona not found or not accessible: ';
const credentials = 'Invalid authentication credentials: ';

/** By code: each refusal as the person reads it who gets it. */
const refusals: Partial<Record<ProblemCode, readonly Refusal[]>> = {
  invalid_credentials: [
    [
      'Authorization',
      `${credentials}send Authorization: Bearer with a token or a key chp_…`,
      withHeaders({ authorization: '' }),
    ],
    [
      'Authorization',
      `${credentials}send Authorization: Bearer with a token or a key chp_…`,
      withHeaders({ authorization: 'Basic YTpi' }),
    ],
    [null, problems.invalid_credentials.message, withHeaders({ authorization: 'Bearer x.y.z' })],
    [null, problems.invalid_credentials.message, withHeaders({ authorization: 'Bearer chp_unknown' })],
    [
      null,
      `${credentials}this is neither a token nor a key chp_… of Chaperone; the key of a provider stays in its Secret`,
      withHeaders({ authorization: 'Bearer sk-mine' }),
    ],
  ],
  user_required: [['X-User-ID', problems.user_required.message, withHeaders({ 'x-user-id': '' })]],
  user_mismatch: [
    [
      'X-User-ID',
      'X-User-ID is not the user that the credential was issued to; leave the header out, or send that user',
      { body: ok, token: { user: 'bob' } },
    ],
  ],
  role_required: [
    [
      null,
      'This needs a credential with the role admin; this one has member',
      { path: '/v1/personas', body: { name: 'x', content: 'y' }, token: member },
    ],
    [
      null,
      'This needs a credential with the role analyst or reviewer or admin; this one has member',
      get('/v1/users', { token: member }),
    ],
    [
      'user_id',
      'What other users did is for the roles analyst, reviewer and admin to see: leave user_id out, or use such a credential',
      get('/v1/analytics/models?user_id=bob', { token: member }),
    ],
  ],
  invalid_header: [
    [
      'X-API-Key',
      `${processing}X-API-Key and another header have different credentials; send one of them`,
      withHeaders({ 'x-api-key': 'chp_x' }),
    ],
    ['X-User-ID', `${processing}the header X-User-ID must stand only once`, withHeaders({ 'x-user-id': ['a', 'b'] })],
    [
      'X-User-ID',
      `${processing}X-User-ID must have at most 255 characters`,
      withHeaders({ 'x-user-id': 'u'.repeat(300) }),
    ],
    [
      'X-Session-ID',
      `${processing}X-Session-ID must have at most 128 characters`,
      withHeaders({ 'x-session-id': 's'.repeat(200) }),
    ],
    [
      'X-Turn-ID',
      `${processing}X-Turn-ID must have at most 128 characters`,
      withHeaders({ 'x-turn-id': 't'.repeat(200) }),
    ],
    [
      'Idempotency-Key',
      `${processing}Idempotency-Key must have at most 255 characters`,
      withHeaders({ 'idempotency-key': 'k'.repeat(300) }),
    ],
    [
      'X-Optimization-Level',
      `${processing}X-Optimization-Level must be quality, balanced or speed`,
      withHeaders({ 'x-optimization-level': 'cheap' }),
    ],
    [
      'X-Response-Format',
      `${processing}X-Response-Format must be openai or simple`,
      withHeaders({ 'x-response-format': 'xml' }),
    ],
  ],
  unsupported_encoding: [
    [
      'Content-Encoding',
      `${processing}Content-Encoding must be one of gzip, deflate, br, zstd`,
      withHeaders({ 'content-encoding': 'lzma' }),
    ],
  ],
  invalid_json: [
    [null, `${processing}the body is not JSON (Unexpected end of JSON input)`, withBody('')],
    [null, `${processing}the body is not a JSON object`, withBody('[]')],
    [null, `${processing}the body is not valid UTF-8`, withBody(Buffer.from([0x7b, 0xff, 0x7d]))],
    [null, `${processing}the body is a form, and this API takes JSON`, withBody(`${model}--b--`)],
    [
      null,
      `${processing}the body is not JSON (Unexpected token '<', "<a/>" is not valid JSON)`,
      withBody('<a/>', '/v1/personas'),
    ],
  ],
  invalid_request: [
    [
      'Content-Encoding',
      `${processing}the body is not what its Content-Encoding says, or it breaks off`,
      withHeaders({ 'content-encoding': 'gzip' }),
    ],
    [null, `${processing}the body is nested too deep`, withBody(`{"a":${'['.repeat(3_000)}${']'.repeat(3_000)}}`)],
    [
      'input',
      `${processing}input must stand only once in an object`,
      withBody('{"model":"gpt-4o","input":"a","input":"b"}'),
    ],
    ['Model', `${processing}Model must be written model`, withBody({ ...ok, Model: 'x' })],
    ['persona', `${processing}persona must be written persona_id`, withBody({ ...ok, persona: 'x' })],
    [
      'model',
      `${processing}model is required: the id of a model, as GET /v1/models lists them`,
      withBody({ input: 'x' }),
    ],
    ['model', `${processing}model must be the id of a model, as GET /v1/models lists them`, withBody({ model: 4 })],
    ['messages', `${processing}messages is required`, withBody({ model: 'gpt-4o' }, '/v1/chat/completions')],
    ['input', `${processing}input is required`, withBody({ model: 'text-embedding-3-small' }, '/v1/embeddings')],
    [
      'previous_response_id',
      `${processing}previous_response_id must be the id of a response, as a string`,
      withBody({ ...ok, previous_response_id: 5 }),
    ],
    [
      'background',
      `${processing}background is for POST /v1/responses alone`,
      withBody({ model: 'gpt-4o', messages: [], background: true }, '/v1/chat/completions'),
    ],
    [
      'content-type',
      `${processing}the form cannot be read for certain: Content-Type must name its boundary, and nothing else`,
      transcribe('x', ''),
    ],
    [
      'model',
      `${processing}model is required: the id of a model, as GET /v1/models lists them`,
      transcribe(`${part('a', 'b')}--b--`),
    ],
    ['model', `${processing}model must stand only once in a form`, transcribe(`${model}${model}--b--`)],
    ['Model', `${processing}Model must be written model`, transcribe(`${part('Model', 'x')}--b--`)],
    [
      'file_id',
      `${processing}file_id cannot be there: a form cannot refer to what is kept at the provider; it must send the file itself`,
      transcribe(`${model}${part('file_id', 'x')}--b--`),
    ],
    [null, `${processing}the form cannot be read for certain: it must begin with its boundary`, transcribe('hello')],
    [null, `${processing}the form cannot be read for certain: it breaks off`, transcribe(model)],
    ['model', `${processing}model has more than 1024 bytes`, transcribe(`${part('model', 'g'.repeat(20_000))}--b--`)],
    ['limit', `${processing}limit must be a whole number from 1 to 10000`, get('/v1/files?limit=x')],
    ['before', `${processing}before is not supported; use after`, get('/v1/files?before=x')],
    ['after', `${processing}after must be given once`, get('/v1/files?after=x&after=y')],
    ['input_file_id', `${processing}input_file_id is required`, withBody({ endpoint: '/v1/responses' }, '/v1/batches')],
    ['rating', `${processing}rating must be one of 1, -1`, withBody({ rating: 7 }, '/v1/responses/resp_1/rate')],
    ['rating', `${processing}rating is required`, withBody({}, '/v1/responses/resp_1/rate')],
    [null, `${processing}the body must be a JSON object`, withBody('[]', '/v1/responses/resp_1/rate')],
    ['x', `${processing}x is not a known field`, withBody({ rating: 1, x: 1 }, '/v1/responses/resp_1/rate')],
    ['name', `${processing}name is required`, withBody({ content: 'x' }, '/v1/personas')],
    ['name', `${processing}name must not be blank`, withBody({ name: ' ', content: 'x' }, '/v1/personas')],
    ['name', `${processing}name must be a string`, withBody({ name: 1, content: 'x' }, '/v1/personas')],
    [
      'name',
      `${processing}name must have at most 200 characters`,
      withBody({ name: 'n'.repeat(300), content: 'x' }, '/v1/personas'),
    ],
    [
      'users',
      `${processing}users must not be given beside another user_id`,
      withBody({ name: 'x', content: 'x', user_id: 'a', users: ['b'] }, '/v1/personas'),
    ],
    [
      'parameters.stream',
      `${processing}parameters.stream is for each request to say`,
      withBody({ name: 'x', content: 'x', parameters: { stream: true } }, '/v1/personas'),
    ],
    [
      'parameters.temperature',
      `${processing}parameters.temperature must be a number from 0 to 2, not "x"`,
      withBody({ name: 'x', content: 'x', parameters: { temperature: 'x' } }, '/v1/personas'),
    ],
    ['limit', `${processing}limit must be a whole number`, get('/v1/personas?limit=x')],
    ['limit', `${processing}limit must be at least 1`, get('/v1/personas?limit=0')],
    ['limit', `${processing}limit must be at most 1000`, get('/v1/personas?limit=100000')],
    [
      'start_date',
      `${processing}start_date must be a date such as 2026-06-01`,
      get('/v1/analytics/models?start_date=x'),
    ],
    [
      'start_date',
      `${processing}start_date must not be after end_date`,
      get('/v1/analytics/models?start_date=2026-02-01&end_date=2026-01-01'),
    ],
    ['kind', `${processing}kind must be one of "call", "analysis", "all"`, get('/v1/analytics/models?kind=x')],
    [
      'config',
      `${processing}config is required where there is no config_id`,
      withBody({ id: 'resp_1' }, '/v1/analysis'),
    ],
    [
      'config.categories',
      `${processing}config.categories is required`,
      withBody({ id: 'resp_1', config: { analysis_type: 'intent' } }, '/v1/analysis'),
    ],
    [
      'config.custom_prompt',
      `${processing}config.custom_prompt has the unknown placeholder {nope}; there are {user_input}, {ai_response} and {categories}`,
      withBody({ id: 'resp_1', config: { ...config, custom_prompt: '{nope}' } }, '/v1/analysis'),
    ],
    [
      null,
      `${processing}Unsupported Media Type`,
      { path: '/v1/personas', headers: { 'content-type': 'nonsense' }, body: '{}' },
    ],
  ],
  headers_too_large: [
    [
      null,
      `${processing}the headers of the request have more than 16 KB`,
      get('/v1/models', { headers: { 'x-big': 'x'.repeat(20_000) } }),
    ],
  ],
  request_too_large: [
    [null, `${processing}the body is larger than the proxy takes`, withBody(Buffer.alloc(65 * 1024 * 1024, ' '))],
  ],
  persona_not_found: [
    [
      'persona_id',
      `${persona}persona_id must be a persona's id, not its name; GET /v1/personas shows the ids`,
      withBody({ ...ok, persona_id: 'Support Agent' }),
    ],
    ['persona_id', `${persona}GET /v1/personas lists those that you may use`, withBody({ ...ok, persona_id: uuid })],
    ['id', `${persona}GET /v1/personas lists those that you may use`, get(`/v1/personas/${uuid}`)],
    ['id', `${persona}${notItsName('persona')}; GET /v1/personas shows the ids`, get('/v1/personas/support-agent')],
    [
      'id',
      `${persona}${notItsName('persona')}; GET /v1/personas shows the ids`,
      get('/v1/analytics/personas/support-agent'),
    ],
    ['id', `${persona}GET /v1/personas lists those that you may use`, get(`/v1/analytics/personas/${uuid}`)],
  ],
  persona_not_supported: [
    [
      'persona_id',
      `${processing}this API takes no persona; leave persona_id out`,
      transcribe(`${model}${part('persona_id', uuid)}--b--`),
    ],
  ],
  previous_response_not_found: [
    [
      'previous_response_id',
      "Previous response with id 'resp_1' not found.",
      withBody({ ...ok, previous_response_id: 'resp_1' }),
    ],
  ],
  resource_not_found: [
    ['conversation', "Conversation with id 'conv_1' not found.", withBody({ ...ok, conversation: 'conv_1' })],
    [
      'file_id',
      "File with id 'file-1' not found.",
      withBody({ ...ok, input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] }),
    ],
    ['input', "Item with id 'msg_1' not found.", withBody({ ...ok, input: [{ type: 'item_reference', id: 'msg_1' }] })],
    [
      'vector_store_ids',
      "Vector store with id 'vs_1' not found.",
      withBody({ ...ok, tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }),
    ],
    [null, "Response with id 'resp_1' not found.", get('/v1/responses/resp_1')],
    [null, "Response with id 'resp_1' not found.", { method: 'DELETE', path: '/v1/responses/resp_1' }],
    [
      'input_file_id',
      "File with id 'file-1' not found.",
      withBody({ endpoint: '/v1/responses', input_file_id: 'file-1' }, '/v1/batches'),
    ],
  ],
  model_not_allowed: [
    [
      'model',
      'The organization does not allow the model "o1"; GET /v1/models lists those that it allows',
      withBody({ ...ok, model: 'o1' }),
    ],
    [
      'model',
      'The organization does not allow the model "o1"; GET /v1/models lists those that it allows',
      withBody({ ...ok, tools: [{ type: 'image_generation', model: 'o1' }] }),
    ],
    [
      'model',
      'The organization does not allow every model, so the model must be named',
      withBody({ input: 'x' }, '/v1/moderations'),
    ],
  ],
  model_not_found: [
    ['model', "The model 'nope' does not exist or you do not have access to it", get('/v1/models/nope')],
  ],
  request_not_found: [
    [
      'id',
      'Request not found: no call of yours has this request id or response id',
      withBody({ rating: 1 }, '/v1/responses/resp_1/rate'),
    ],
    [
      'id',
      'Request not found: no call of yours has this request id or response id',
      withBody({ id: 'resp_1', config }, '/v1/analysis'),
    ],
  ],
  analysis_config_not_found: [
    [
      'config_id',
      'Analysis config not found: GET /v1/analysis/configs lists those that are active',
      withBody({ id: 'resp_1', config_id: uuid }, '/v1/analysis'),
    ],
    [
      'id',
      'Analysis config not found: GET /v1/analysis/configs lists those that are active',
      get(`/v1/analysis/configs/${uuid}`),
    ],
    [
      'id',
      `Analysis config not found: ${notItsName('config')}; GET /v1/analysis/configs shows the ids`,
      get('/v1/analysis/configs/support-intent'),
    ],
    [
      'config_id',
      `Analysis config not found: config_${notItsName('config')}; GET /v1/analysis/configs shows the ids`,
      withBody({ id: 'resp_1', config_id: 'support-intent' }, '/v1/analysis'),
    ],
  ],
  user_not_found: [['id', 'User not found: GET /v1/users lists those that there are', get('/v1/users/nobody')]],
  name_taken: [
    [
      'name',
      'A persona with the name "Support Agent" already exists',
      withBody({ name: 'Support Agent', content: 'x' }, '/v1/personas'),
    ],
  ],
  route_not_found: [
    [
      null,
      'Unknown request URL: POST /v1/nope. Check the method and the path: /docs lists them.',
      withBody(ok, '/v1/nope'),
    ],
    [
      null,
      'Unknown request URL: GET /v1/chat/completions. Check the method and the path: /docs lists them.',
      get('/v1/chat/completions'),
    ],
    [null, 'Unknown request URL: GET /v2. The API is under /v1, and described at /docs.', get('/v2')],
    [
      null,
      'Unknown request URL: POST /v2. The API is under /v1, and described at /docs.',
      { path: '/v2', body: '{', headers: { 'content-type': 'application/json' } },
    ],
  ],
  websocket_not_served: [
    [
      null,
      'WebSockets are not served here: send the same call by POST, with "stream": true',
      get('/v1/models', { headers: { connection: 'upgrade', upgrade: 'websocket' } }),
    ],
  ],
  upstream_unreachable: [
    [
      null,
      `${processing}the provider cannot be reached; try again`,
      { body: ok, provider: (answer) => answer.destroy() },
    ],
  ],
  upstream_interrupted: [
    [
      null,
      `${processing}the answer of the provider was cut off; try again`,
      {
        body: ok,
        provider: (answer) => answer.writeHead(200, { 'content-length': 9 }).write('{', () => answer.destroy()),
      },
    ],
  ],
  upstream_invalid_response: [
    [
      null,
      `${processing}the answer of the provider cannot be read`,
      { body: ok, provider: (answer) => answer.end('nonsense') },
    ],
    [
      null,
      `${processing}the provider answered with a redirect (302), which is not followed; check its baseUrl in the Organization`,
      { body: ok, provider: (answer) => answer.writeHead(302, { location: '/' }).end() },
    ],
  ],
};

/** What takes more than a request: it has a test of its own, where what it is about is tested. */
const madeElsewhere: readonly ProblemCode[] = [
  'issuer_unavailable',
  'user_not_allowed',
  'request_timeout',
  'overloaded',
  'limit_reached',
  'insufficient_quota',
  'quota_unavailable',
  'guardrail_blocked',
  'guardrail_unavailable',
  // Need a key of our own API: test/proxy/access-keys.test.ts.
  'public_key_not_allowed',
  'origin_not_allowed',
  'access_key_not_found',
  // Need an Idempotency-Key: test/proxy/http/idempotency.
  'idempotency_key_reused',
  'idempotency_in_progress',
  // Needs a cache: test/proxy/cache.
  'not_cached',
  'ceiling_exceeded',
  'tool_not_allowed',
  'owned_by_resource',
  // test/worker/webhooks.
  'webhook_not_found',
  'surface_not_allowed',
  'no_api_key',
  'organization_deleted',
  'user_inactive',
  // Another surface's: test/proxy/conversations.
  'conversation_not_found',
  // And test/contracts/analyses, test/proxy/governance/conversation-analyses.
  'analysis_exists',
  'analysis_not_found',
  'queue_error',
  'contents_not_stored',
  // Another surface's: test/contracts/speech.
  'session_not_found',
  // Another surface's: test/contracts/support.
  'article_not_found',
  // Needs a rule with Review: test/proxy/guardrails/held.
  'answer_held',
  // Needs a worker: test/proxy/surfaces/governance/jobs.
  'job_not_found',
  // Another surface's: test/proxy/surfaces/insights.
  'batch_not_found',
  'deployment_not_found',
  'deployment_not_ready',
  'language_unsupported',
  'mapping_not_found',
  'review_item_claimed',
  'review_item_decided',
  'review_item_not_found',
  'training_job_ended',
  'training_job_not_found',
  'training_quota_reached',
  'training_unavailable',
  'nothing_to_analyze',
  'spool_full',
  'spool_unwritable',
  'shutting_down',
  // Needs an insert that waits: test/proxy/exact-figures.
  'records_pending',
  'store_unavailable',
  'upstream_timeout',
  'upstream_refused',
  // Needs a provider of type azure: test/proxy/azure.
  'upstream_no_credential',
  // Needs a session: test/proxy/sockets.
  'session_expired',
  'websocket_required',
  'upstream_incomplete',
  'upstream_rate_limited',
  'upstream_error',
  'internal_error',
];

describe('a refusal says what is wrong and what to do, for', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  before(async () => {
    provider = await startScriptedProvider(scope);
    stack = await startStack(scope, { upstreamUrl: provider.url });
  });

  const ask = async ({ method = 'POST', path = '/v1/responses', headers, body, token }: Asked): Promise<unknown[]> => {
    const { hostname, port } = new URL(stack.baseUrl);
    const credential = token ? await stack.sign(token) : stack.token;
    const all = { authorization: `Bearer ${credential}`, 'x-user-id': 'ada', ...headers };
    return new Promise((resolve, reject) => {
      const asked = request({ hostname, port, method, path, headers: all }, async (answer) => {
        let text = '';
        for await (const chunk of answer) text += chunk;
        const { error } = JSON.parse(text) as { error?: { code: string; param: string | null; message: string } };
        resolve([answer.statusCode, error?.code, error?.param, error?.message]);
      });
      // After an answer it says nothing: a proxy that has refused a large body reads no more of it.
      asked.on('error', reject);
      asked.end(body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
    });
  };

  for (const [code, made] of Object.entries(refusals) as [ProblemCode, readonly Refusal[]][]) {
    it(code, async () => {
      for (const [param, message, asked] of made) {
        provider.answer = asked.provider ?? ((answer) => sendJson(answer, { object: 'list', data: [] }));
        assert.deepEqual(await ask(asked), [problems[code].status, code, param, message]);
      }
    });
  }

  it('a request that is not HTTP', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(new URL(stack.baseUrl).port), '127.0.0.1', () => socket.write('NONSENSE\r\n\r\n'));
      socket.on('data', (bytes) => {
        text += bytes;
      });
      socket.on('close', () => resolve(text)).on('error', reject);
    });
    assert.match(answer, /"Error processing request: the request is not valid HTTP"/);
  });

  it('every code of the error table', () => {
    assert.deepEqual([...Object.keys(refusals), ...madeElsewhere].toSorted(), Object.keys(problems).toSorted());
    for (const { message } of Object.values(problems)) {
      assert.doesNotMatch(message, /^(?:Error processing request|User not found|Invalid authentication credentials)$/);
    }
  });
});
