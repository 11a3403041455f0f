import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { before, describe, it } from 'node:test';
import { guesses } from '../../../../proxy/http/rates/address-buckets.ts';
import type { TestProxy } from '../../../proxy-here.ts';
import { suiteScope } from '../../../scope.ts';
import { type GovernedStack, startGovernedStack } from '../../quota/governed-stack.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly error: Readonly<Record<string, unknown>> | undefined;
}

const articles = '/api/v1/knowledge-base';

/** The requests that the support API takes, through the front door: two proxies of one organization. */
describe('rates of requests', () => {
  const scope = suiteScope();
  let stack: GovernedStack;
  let addresses = 0;
  /** Requests that were let through, by the end of their hour. All tests of this file count together. */
  const admitted = new Map<number, number>();
  /** Every test is another client. */
  const newAddress = () => {
    addresses += 1;
    return `198.51.100.${addresses}`;
  };
  before(async () => {
    stack = await startGovernedStack(scope, { proxies: 2 });
    await stack.state('publicApi: { trustedProxies: [127.0.0.0/8] }');
  });

  const ask = async (
    path: string,
    options: { credential?: string; from?: string; proxy?: TestProxy | undefined; init?: RequestInit } = {},
  ): Promise<Answer> => {
    const { credential = stack.token, from = '192.0.2.1', proxy = stack.proxy, init = {} } = options;
    const answer = await fetch(`http://127.0.0.1:${proxy.port}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${credential}`, 'x-forwarded-for': from },
    });
    const body = (await answer.json()) as { error?: Answer['error'] };
    const answered = { status: answer.status, headers: answer.headers, error: body.error };
    const { limit, reset } = rateOf(answered);
    if (limit !== guesses.limit && answer.status !== 429) admitted.set(reset, (admitted.get(reset) ?? 0) + 1);
    return answered;
  };
  const rateOf = ({ headers }: Answer) => {
    const read = (name: string) => Number(headers.get(`x-ratelimit-${name}`) ?? Number.NaN);
    return { limit: read('limit'), remaining: read('remaining'), reset: read('reset') };
  };
  /** Whether an answer has what every answer has. */
  const requireManners = (what: string, answer: Answer) => {
    const rate = rateOf(answer);
    for (const [name, value] of Object.entries(rate)) assert.ok(Number.isInteger(value), `${what}: ${name}`);
    assert.ok(rate.remaining >= 0 && rate.remaining <= rate.limit, what);
    assert.ok(rate.reset * 1_000 > Date.now() - 1_000, what);
    if (answer.status < 400) return;
    assert.deepEqual(Object.keys(answer.error ?? {}), ['code', 'message', 'details', 'request_id'], what);
    assert.equal(typeof answer.error?.details, 'object', what);
    assert.equal(answer.error?.request_id, answer.headers.get('x-request-id'), what);
  };

  it('are told by every answer of every route, whatever becomes of the request', async () => {
    const document = await (await fetch(`http://127.0.0.1:${stack.proxy.port}/openapi.json`)).json();
    const { paths } = document as { paths: Record<string, Record<string, { tags?: string[] }>> };
    const ofSupport = /^\/api\/v1\/(conversations|knowledge-base|analytics(?!\/summary)|webhooks)(\/|$)/;
    const routes = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations)
        .filter(() => ofSupport.test(path))
        .map((method) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, 'none') })),
    );
    assert.ok(routes.length >= 20);
    const walked = new Set(routes.map(({ method, path }) => `${method} ${path}`));
    for (const below of ['', '/none', '/none/feedback']) {
      const method = below === '/none' ? 'GET' : 'POST';
      assert.ok(walked.has(`${method} /api/v1/conversations${below}`), below);
    }
    const statuses = new Set<number>();
    for (const { method, path } of routes) {
      const writes = method !== 'GET' && method !== 'DELETE';
      const errors: [string, string, Parameters<typeof ask>[1]][] = [
        ['without a right', path, { init: { method, ...(writes && { body: '{}' }) } }],
        ['with a wrong key', path, { credential: 'sk_wrong', from: newAddress(), init: { method } }],
        ['that the document lacks', `${path}/a/b/c`, { init: { method } }],
        ['that is malformed', `${path}/%zz`, { init: { method } }],
        ['with a user of another', path, { init: { method } }],
      ];
      if (writes) errors.push(['with a body that is none', path, { init: { method, body: '{' } }]);
      for (const [what, url, options] of errors) {
        const answer = await ask(url, options);
        requireManners(`${method} ${url} ${what}`, answer);
        statuses.add(answer.status);
      }
    }
    for (const status of [400, 401, 404]) assert.ok(statuses.has(status), `${status}`);
  });

  it('are told where the bytes are no HTTP, too', async () => {
    const socket = connect(stack.proxy.port, '127.0.0.1');
    socket.end(`GET ${articles} HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n`);
    const answer = await text(socket);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /\r\nx-ratelimit-limit: \d+\r\n/);
  });

  it('slow an address that guesses, and not those who had the right key before', async () => {
    const from = newAddress();
    const other = await stack.sign({ user: 'bob', roles: ['member'] });
    assert.equal((await ask(articles, { from })).status, 200);
    for (let guess = 1; guess <= guesses.limit; guess += 1) {
      const answer = await ask(articles, { credential: `sk_${guess}`, from });
      assert.deepEqual([answer.status, rateOf(answer).remaining], [401, guesses.limit - guess]);
    }
    const refused = await ask(articles, { credential: 'sk_more', from });
    requireManners('a guess too many', refused);
    assert.deepEqual([refused.status, refused.error?.code], [429, 'limit_reached']);
    const waitS = Number(refused.headers.get('retry-after'));
    assert.ok(waitS > 0 && waitS <= guesses.windowMs / 1_000);
    // A right guess is not told from a wrong one.
    assert.equal((await ask(articles, { credential: other, from })).status, 429);
    assert.equal((await ask(articles, { from })).status, 200);
    assert.equal((await ask(articles, { credential: other, from: newAddress() })).status, 200);
  });

  it('let no more requests through than the tier says, over all proxies, and all of them', async () => {
    await stack.state('{ tier: free, publicApi: { trustedProxies: [127.0.0.0/8] } }');
    let refused: Answer | undefined;
    const most = () => Math.max(0, ...admitted.values());
    for (let round = 0; round < 600 && (most() < 100 || !refused); round += 1) {
      const answers = await Promise.all(
        [0, 1, 2, 3, 4, 5].map((at) => ask(articles, { proxy: stack.proxies[at % 2] })),
      );
      for (const answer of answers) {
        assert.equal(rateOf(answer).limit, 100);
        if (answer.status === 429) refused = answer;
      }
    }
    for (const count of admitted.values()) assert.ok(count <= 100, `${count}`);
    assert.equal(most(), 100);
    assert.ok(refused);
    requireManners('beyond the tier', refused);
    assert.deepEqual([refused.status, refused.error?.code, rateOf(refused).remaining], [429, 'limit_reached', 0]);
    assert.ok(Number(refused.headers.get('retry-after')) <= 3_600);
    assert.match(
      String(refused.error?.message),
      /^The tier free lets 100 requests be made an hour; try again in \d+ s/,
    );
  });

  it('count what a user may ask, where the Organization gives users a tier', async () => {
    await stack.state('{ tiers: [{ users: ["bob"], tier: free }] }');
    const bob = await stack.sign({ user: 'bob', roles: ['member'] });
    assert.equal(rateOf(await ask(articles, { credential: bob })).limit, 100);
    assert.equal(rateOf(await ask(articles)).limit, 1_000_000);
    await stack.state('{ tier: enterprise, publicApi: { requestsPerHour: 25000 } }');
    assert.equal(rateOf(await ask(articles, { credential: bob })).limit, 25_000);
  });
});
