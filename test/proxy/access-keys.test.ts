import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { pino } from 'pino';
import type { Surface } from '../../proxy/http/surface.ts';
import { startProxy } from '../../proxy/server.ts';
import type { SurfaceContext } from '../../proxy/surfaces/context.ts';
import { surfaceTable } from '../../proxy/surfaces/table.ts';
import { makeDirectory } from '../directories.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { type GovernedStack, startGovernedStack } from './quota/governed-stack.ts';

/** Of the product, what visitors may do. */
const forVisitors = new Set([
  'post /api/v1/conversations',
  'get /api/v1/conversations/{conversation_id}',
  'post /api/v1/conversations/{conversation_id}/feedback',
]);

/** They need no credential. */
const forAnybody = new Set([
  'post /api/v1/auth/login',
  'post /api/v1/auth/refresh',
  // Its address is signed.
  'get /api/v1/ai/visualizations/{id}',
]);

/** Has a route for visitors, which shows who they are, and one for others. */
const desk: Surface<SurfaceContext> = {
  name: 'desk',
  paths: ['/api/v2/desk'],
  envelope: { name: 'DeskError', schema: { type: 'object' }, show: ({ code }) => ({ code }) },
  mayLackUser: true,
  countsRequests: 'X-RateLimit',
  async register(app) {
    app.get('/api/v2/desk', { config: { visitors: true } }, async ({ caller }) => ({ user: caller.user ?? null }));
    app.get('/api/v2/desk/all', async ({ caller }) => ({ roles: caller.roles }));
  },
};

const shop = 'https://shop.example.com';

/** Keys of our own API, through the front door: one proxy in this process, and one beside it. */
describe('keys', () => {
  const scope = suiteScope();
  let stack: GovernedStack;
  let port: number;
  before(async () => {
    stack = await startGovernedStack(scope);
    const proxy = await startProxy({
      credentialsDirectory: stack.credentialsDirectory,
      dataDirectory: await makeDirectory(scope),
      ...{ host: '127.0.0.1', port: 0, metricsHost: '127.0.0.1', metricsPort: 0 },
      upstreamUrl: stack.upstreamUrl,
      log: pino({ level: 'silent' }),
      surfaces: [...surfaceTable, desk],
    });
    atEnd(scope, proxy.stop);
    port = proxy.port;
  });

  const ask = async (method: string, path: string, headers: Record<string, string> = {}, body?: object, at = port) => {
    const answer = await fetch(`http://127.0.0.1:${at}${path}`, {
      method,
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: bodies of every kind
    const json: any = await answer.json();
    return { status: answer.status, headers: answer.headers, json, code: json.code ?? json.error?.code };
  };
  const make = async (fields: object) => {
    const { status, json } = await ask('POST', '/v1/keys', {}, fields);
    assert.equal(status, 201, JSON.stringify(json));
    return json;
  };
  /** As the page of a visitor sends it. */
  const visit = (key: string, headers: Record<string, string> = {}, path = '/api/v2/desk') =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${key}`, origin: shop, ...headers } });
  const asKey = (key: string, path = '/api/v2/desk/all') => ask('GET', path, { authorization: `Bearer ${key}` });

  it('are made by an admin, shown once, stored as a digest, and open what their roles do', async () => {
    const made = await make({ name: 'desk', type: 'secret', roles: ['analyst'] });
    assert.match(made.key, /^sk_[\w-]{43}$/);
    assert.deepEqual((await asKey(made.key)).json, { roles: ['analyst'] });
    const { json: listed } = await ask('GET', '/v1/keys');
    const { key: _, ...shown } = made;
    assert.deepEqual(listed.keys, [shown]);
    assert.deepEqual((await ask('GET', `/v1/keys/${made.id}`)).json, shown);
    const { rows } = await stack.owner.query('select a::text as row from chaperone.access_keys a');
    for (const { row } of rows) assert.ok(!row.includes(made.key.slice(7)));
    assert.equal((await asKey(made.key, '/v1/keys')).code, 'role_required');
    const again = await ask('POST', '/v1/keys', {}, { name: 'desk', type: 'secret' });
    assert.deepEqual([again.status, again.code], [409, 'name_taken']);
  });

  it('are valid at every proxy, and at none after they are revoked', async () => {
    const { id, key } = await make({ name: 'everywhere', type: 'secret', roles: ['analyst'] });
    const beside = () =>
      ask('GET', '/v1/users', { authorization: `Bearer ${key}` }, undefined, stack.proxy.port).then(
        (one) => one.status,
      );
    await until(async () => (await beside()) === 200);
    assert.deepEqual((await ask('DELETE', `/v1/keys/${id}`)).json, { id, revoked: true });
    assert.equal((await asKey(key)).status, 401);
    await until(async () => (await beside()) === 401);
    assert.equal((await ask('GET', `/v1/keys/${id}`)).status, 404);
    assert.equal((await ask('DELETE', `/v1/keys/${id}`)).status, 404);
  });

  it('are rotated with an overlap, or without', async () => {
    const first = await make({ name: 'rotated', type: 'secret' });
    const { json: second } = await ask('POST', `/v1/keys/${first.id}/rotate`, {}, { overlap_seconds: 3_600 });
    assert.equal(second.id, first.id);
    assert.ok(Date.parse(second.former_until) > Date.now());
    assert.deepEqual([(await asKey(first.key)).status, (await asKey(second.key)).status], [200, 200]);
    const { json: third } = await ask('POST', `/v1/keys/${first.id}/rotate`, {}, { overlap_seconds: 0 });
    const statuses = [];
    for (const { key } of [first, second, third]) statuses.push((await asKey(key)).status);
    assert.deepEqual(statuses, [401, 401, 200]);
  });

  it('are in the audit log, without their text', async () => {
    const { json } = await ask('GET', '/v1/audit?limit=100');
    const text = JSON.stringify(json);
    assert.match(text, /AccessKey\//);
    assert.match(text, /another one/);
    assert.doesNotMatch(text, /sk_[\w-]{43}/);
  });

  it('that are public open what is for visitors, from the pages that they are for, and nothing else', async () => {
    const { key } = await make({ name: 'website', type: 'public', allowed_origins: [shop] });
    assert.equal((await visit(key)).status, 200);
    const refused = await visit(key, { origin: 'https://elsewhere.example.com' });
    assert.deepEqual([refused.status, await refused.json()], [403, { code: 'origin_not_allowed' }]);
    const bare = await ask('GET', '/api/v2/desk', { authorization: `Bearer ${key}` });
    assert.equal(bare.code, 'origin_not_allowed');
    // Every route of the product that is not for visitors, calls to models too.
    const document = await (await fetch(`http://127.0.0.1:${port}/openapi.json`)).json();
    const { paths } = document as { paths: Record<string, object> };
    const opened = new Set<string>();
    for (const [path, operations] of Object.entries(paths)) {
      for (const method of Object.keys(operations)) {
        const answer = await ask(
          method.toUpperCase(),
          path.replaceAll(/\{\w+\}/g, 'none'),
          { authorization: `Bearer ${key}`, origin: shop, 'x-user-id': '' },
          method === 'post' ? {} : undefined,
        );
        const what = `${method} ${path}`;
        if (forAnybody.has(what)) continue;
        if (forVisitors.has(what)) {
          opened.add(what);
          assert.ok([400, 404].includes(answer.status), `${what}: ${JSON.stringify(answer.json)}`);
          continue;
        }
        assert.equal(answer.status, 403, `${what}: ${JSON.stringify(answer.json)}`);
      }
    }
    assert.deepEqual(opened, forVisitors);
  });

  it('that are public know a visitor by its token, which a page can read and no other visitor can make', async () => {
    const { key, id } = await make({ name: 'visitors', type: 'public', allowed_origins: [shop] });
    const first = await visit(key);
    const token = first.headers.get('x-visitor-token') ?? '';
    assert.match(first.headers.get('access-control-expose-headers') ?? '', /x-visitor-token/);
    assert.equal(first.headers.get('access-control-allow-origin'), shop);
    const { user } = (await first.json()) as { user: string };
    assert.match(user, /^visitor_/);
    const again = await visit(key, { 'x-visitor-token': token });
    assert.deepEqual([await again.json(), again.headers.get('x-visitor-token')], [{ user }, null]);
    assert.notDeepEqual(await (await visit(key)).json(), { user });
    assert.equal((await visit(key, { 'x-visitor-token': `${token}x` })).status, 401);
    // The user of a visitor is its token's, whatever it claims.
    assert.equal((await visit(key, { 'x-visitor-token': token, 'x-user-id': 'ada' })).status, 403);
    const { json: rotated } = await ask('POST', `/v1/keys/${id}/rotate`, {}, { overlap_seconds: 0 });
    assert.deepEqual(await (await visit(rotated.key, { 'x-visitor-token': token })).json(), { user });
  });

  it('that are public are allowed by a preflight, and have tight limits', async () => {
    const { key } = await make({
      ...{ name: 'tight', type: 'public', allowed_origins: ['https://*.example.org'] },
      ...{ requests_per_hour: 500, visitor_requests_per_hour: 3 },
    });
    const origin = 'https://a.example.org';
    const preflight = await fetch(`http://127.0.0.1:${port}/api/v2/desk`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    });
    assert.equal(preflight.headers.get('access-control-allow-origin'), origin);
    const first = await visit(key, { origin });
    const token = first.headers.get('x-visitor-token') ?? '';
    assert.deepEqual(
      ['limit', 'remaining'].map((name) => first.headers.get(`x-ratelimit-${name}`)),
      ['3', '2'],
    );
    const statuses = [];
    for (let more = 0; more < 4; more += 1)
      statuses.push((await visit(key, { origin, 'x-visitor-token': token })).status);
    // An hour may end meanwhile.
    assert.ok(statuses.includes(200));
    let last = 200;
    for (let more = 0; more < 8 && last !== 429; more += 1) {
      last = (await visit(key, { origin, 'x-visitor-token': token })).status;
    }
    assert.equal(last, 429);
    let isRefused = false;
    for (let visitors = 0; visitors < 40 && !isRefused; visitors += 1) {
      isRefused = (await visit(key, { origin })).status === 429;
    }
    assert.ok(isRefused, 'an address may begin as few visitors only');
  });

  it('that YAML states are valid by their digests, as long as it states them', async () => {
    const digest = (text: string) => createHash('sha256').update(text).digest('hex');
    const state = (digests: readonly string[]) =>
      stack.state(`apiKeys: [{ name: ci, type: Secret, roles: [analyst], sha256: [${digests.join(', ')}] }]`);
    await state([digest('sk_old'), digest('sk_new')]);
    await until(async () => (await asKey('sk_new')).status === 200);
    assert.deepEqual((await asKey('sk_old')).json, { roles: ['analyst'] });
    await state([digest('sk_new')]);
    await until(async () => (await asKey('sk_old')).status === 401);
    assert.equal((await asKey('sk_new')).status, 200);
    await stack.state('{}');
    await until(async () => (await asKey('sk_new')).status === 401);
  });

  it('need what is for their type', async () => {
    const wrong: readonly (readonly [fields: object, field: string])[] = [
      [{ type: 'public' }, 'allowed_origins'],
      [{ type: 'public', allowed_origins: ['shop'] }, 'allowed_origins[0]'],
      [{ type: 'public', allowed_origins: [shop], roles: ['admin'] }, 'roles'],
      [{ type: 'secret', allowed_origins: [shop] }, 'allowed_origins'],
      [{ type: 'secret', visitor_requests_per_hour: 1 }, 'visitor_requests_per_hour'],
      [{ type: 'secret', roles: ['owner'] }, 'roles[0]'],
      [{ type: 'token' }, 'type'],
    ];
    for (const [fields, field] of wrong) {
      const { status, json } = await ask('POST', '/v1/keys', {}, { name: `wrong ${field}`, ...fields });
      assert.deepEqual([status, json.error.param], [400, field], JSON.stringify(fields));
    }
  });
});
