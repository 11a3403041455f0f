import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { before, describe, it } from 'node:test';
import { pino } from 'pino';
import { Type } from 'typebox';
import { ProxyError } from '../../../proxy/error.ts';
import { rateHeaders } from '../../../proxy/http/headers.ts';
import type { Surface } from '../../../proxy/http/surface.ts';
import { startProxy } from '../../../proxy/server.ts';
import type { SurfaceContext } from '../../../proxy/surfaces/context.ts';
import { surfaceTable } from '../../../proxy/surfaces/table.ts';
import { makeDirectory } from '../../directories.ts';

import { atEnd, suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';

let registrations = 0;
/** To load the other surface. The first fails. */
let attempts = 0;

/** Shows everything that a problem has. */
const sample: Surface<SurfaceContext> = {
  name: 'sample',
  paths: ['/api/v2/samples'],
  envelope: {
    name: 'SampleError',
    schema: { type: 'object', required: ['error'] },
    show: ({ code, message, details }, request_id) => ({ error: { code, message, details, request_id } }),
  },
  mayLackUser: true,
  tags: [{ name: 'Samples', description: 'Nothing of use.' }],
  async register(app, { inForce }) {
    registrations += 1;
    app.addHook('onSend', async (_request, reply) => {
      reply.headers(rateHeaders('X-RateLimit', { limit: 10, remaining: 9, resetAtMs: 1_000 }));
    });
    const body = Type.Object({ user_id: Type.String(), count: Type.Optional(Type.Integer({ minimum: 1 })) });
    app.post('/api/v2/samples', { schema: { tags: ['Samples'], summary: 'Make', body } }, async (request) => ({
      user: request.caller.user ?? null,
      organization: inForce().snapshot.organizationName,
      asked: request.body,
    }));
    app.get('/api/v2/samples/busy', async () => {
      throw new ProxyError('limit_reached', { headers: { 'retry-after': '7' }, details: { limit: 'few' } });
    });
    app.get('/api/v2/samples/broken', async () => {
      throw new Error('a secret of its insides');
    });
    app.get('/api/v2/samples/open', { config: { anonymous: true } }, async () => ({ open: true }));
  },
};

const other: Surface<SurfaceContext> = {
  name: 'other',
  paths: ['/api/v2/others', '/api/v2/samples/:id/other'],
  envelope: { name: 'OtherError', schema: { type: 'object' }, show: ({ message }) => ({ detail: message }) },
  async register(app) {
    attempts += 1;
    if (attempts === 1) throw new Error('cannot be loaded yet');
    app.get('/api/v2/samples/:id/other', async () => ({ other: true }));
  },
};

/** A whole proxy, whose table has two surfaces more. */
describe('a surface that is in the table', () => {
  const scope = suiteScope();
  let stack: Stack;
  let port: number;
  before(async () => {
    stack = await startStack(scope);
    const proxy = await startProxy({
      credentialsDirectory: stack.credentialsDirectory,
      dataDirectory: await makeDirectory(scope),
      host: '127.0.0.1',
      port: 0,
      metricsHost: '127.0.0.1',
      metricsPort: 0,
      upstreamUrl: stack.upstreamUrl,
      log: pino({ level: 'silent' }),
      surfaces: [...surfaceTable, sample, other],
    });
    atEnd(scope, proxy.stop);
    port = proxy.port;
  });

  const ask = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
    const known = { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' };
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { ...known, ...headers },
      ...(body !== undefined && { body }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: bodies of every kind
    const json: any = await answer.json();
    return { status: answer.status, headers: answer.headers, json };
  };
  const make = JSON.stringify({ user_id: 'bob' });

  it('is not loaded before it is asked for, and then once', async () => {
    assert.equal((await ask('GET', '/v1/personas')).status, 200);
    assert.equal(registrations, 0);
    const first = await Promise.all([1, 2, 3].map(() => ask('POST', '/api/v2/samples', make)));
    assert.deepEqual(
      first.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.equal(registrations, 1);
  });

  it('is tried again by the next request where it cannot be loaded', async () => {
    const failed = await ask('GET', '/api/v2/samples/1/other');
    assert.deepEqual([failed.status, Object.keys(failed.json)], [500, ['detail']]);
    assert.equal((await ask('GET', '/api/v2/samples/1/other')).status, 200);
    assert.equal(attempts, 2);
  });

  it('knows the caller, and the organization', async () => {
    const { json, headers } = await ask('POST', '/api/v2/samples', make);
    assert.deepEqual(json, { user: 'ada', organization: 'acme', asked: { user_id: 'bob' } });
    assert.match(headers.get('x-request-id') ?? '', /^req_/);
    assert.match(headers.get('x-session-id') ?? '', /^sess_/);
    assert.equal(headers.get('x-ratelimit-remaining'), '9');
  });

  it('needs no user, as its contract has none; its neighbours do', async () => {
    const nobody = { 'x-user-id': '' };
    assert.equal((await ask('POST', '/api/v2/samples', make, nobody)).json.user, null);
    assert.equal((await ask('GET', '/api/v2/samples/1/other', undefined, nobody)).status, 400);
  });

  it('needs no credential where a route says so', async () => {
    const { status, headers } = await ask('GET', '/api/v2/samples/open', undefined, { authorization: '' });
    assert.deepEqual([status, headers.get('x-session-id')], [200, null]);
    assert.match(headers.get('x-request-id') ?? '', /^req_/);
  });

  /** What is asked, with the status, the code and the message of its answer. */
  const refusals: readonly (readonly [
    what: string,
    asked: Parameters<typeof ask>,
    status: number,
    code: string,
    message: RegExp,
  ])[] = [
    [
      'no credential',
      ['POST', '/api/v2/samples', make, { authorization: '' }],
      401,
      'invalid_credentials',
      /^Invalid authentication credentials/,
    ],
    ['a body that is no JSON', ['POST', '/api/v2/samples', '{'], 400, 'invalid_json', /JSON/],
    ['a body that lacks a field', ['POST', '/api/v2/samples', '{}'], 400, 'invalid_request', /user_id is required$/],
    ['another method', ['DELETE', '/api/v2/samples'], 404, 'route_not_found', /DELETE \/api\/v2\/samples\b.*\/docs/],
    ['an unknown path below its own', ['GET', '/api/v2/samples/1/2'], 404, 'route_not_found', /\/docs lists them/],
    ['an unknown path beside its own', ['GET', '/api/v2/unknown'], 404, 'route_not_found', /GET \/api\/v2\/unknown/],
    ['a malformed URL', ['GET', '/api/v2/samples/%'], 400, 'route_not_found', /malformed/],
    ['a problem of its own', ['GET', '/api/v2/samples/busy'], 429, 'limit_reached', /limit/],
    ['an unforeseen error', ['GET', '/api/v2/samples/broken'], 500, 'internal_error', /^Internal error/],
  ];
  for (const [what, asked, status, code, message] of refusals) {
    it(`refuses in its own envelope: ${what}`, async () => {
      const answer = await ask(...asked);
      const { error } = answer.json;
      assert.deepEqual([answer.status, error.code], [status, code]);
      assert.match(error.message, message);
      assert.equal(error.request_id, answer.headers.get('x-request-id'));
    });
  }

  it('tells programs which field is wrong, and what it must be', async () => {
    const missing = await ask('POST', '/api/v2/samples', '{}');
    assert.deepEqual(missing.json.error.details, { field: 'user_id', problem: 'is required', expected: 'string' });
    const small = await ask('POST', '/api/v2/samples', '{"user_id":"bob","count":0}');
    assert.deepEqual(small.json.error.details, { field: 'count', problem: 'must be at least 1', expected: 'integer' });
  });

  it('passes on the details and the headers of a problem', async () => {
    const { headers, json } = await ask('GET', '/api/v2/samples/busy');
    assert.deepEqual([headers.get('retry-after'), json.error.details], ['7', { limit: 'few' }]);
  });

  it('has its headers on refusals, too', async () => {
    const refused = await ask('POST', '/api/v2/samples', make, { authorization: '' });
    assert.equal(refused.headers.get('x-ratelimit-limit'), '10');
    assert.equal((await ask('GET', '/v1/personas')).headers.get('x-ratelimit-limit'), null);
  });

  it('leaves its neighbours theirs', async () => {
    assert.deepEqual((await ask('GET', '/api/v2/samples/1/other')).json, { other: true });
    assert.match((await ask('GET', '/api/v2/others')).json.detail, /Unknown request URL/);
    assert.match((await ask('POST', '/api/v2/samples/1/other')).json.detail, /Unknown request URL/);
    assert.equal((await ask('GET', '/v1/nothing')).json.error.type, 'invalid_request_error');
    assert.equal((await ask('GET', '/nothing')).json.error.type, 'invalid_request_error');
  });

  const say = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    return JSON.parse((await text(socket)).split('\r\n\r\n')[1] ?? '');
  };

  it('answers what is no HTTP in the nearest envelope', async () => {
    const header = `x: ${'y'.repeat(20_000)}`;
    assert.equal((await say(`GET /api/v2/samples HTTP/1.1\r\n${header}\r\n\r\n`)).error.code, 'headers_too_large');
    assert.match((await say('GET /api/v2/others HTTP/1.1\r\nno header\r\n\r\n')).detail, /not valid HTTP/);
    assert.equal((await say('NONSENSE\r\n\r\n')).error.type, 'invalid_request_error');
  });

  it('is in the OpenAPI document, with its envelope', async () => {
    const { json } = await ask('GET', '/openapi.json');
    const { tags, responses } = json.paths['/api/v2/samples'].post;
    assert.deepEqual(tags, ['Samples']);
    assert.deepEqual(responses['401'].content['application/json'].schema, {
      $ref: '#/components/schemas/SampleError',
    });
    const [example] = Object.values<{ value: { error: object } }>(
      responses['401'].content['application/json'].examples,
    );
    assert.deepEqual(Object.keys(example?.value.error ?? {}), ['code', 'message', 'details', 'request_id']);
    assert.doesNotMatch(responses['400'].description, /user_required/);
    assert.match(json.paths['/v1/personas'].get.responses['400'].description, /user_required/);
    assert.ok(json.components.schemas.SampleError && json.components.schemas.Error);
    assert.ok(json.tags.some(({ name }: { name: string }) => name === 'Samples'));
    assert.equal(
      json.paths['/v1/personas'].get.responses['401'].content['application/json'].schema.$ref,
      '#/components/schemas/Error',
    );
  });
});
