import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';
import { setSpec } from '../insights/insights-stack.ts';
import { type Ask, makeAsk } from './ask.ts';

/** The recorded calls, one by one and over time, through the front door. */
describe('/v1/requests, /v1/me and /v1/analytics/timeline', () => {
  const scope = suiteScope();
  let stack: Stack;
  let ask: Ask;
  let bearer: (user: string, roles: readonly string[]) => Promise<Record<string, string>>;
  const ids: Record<string, string> = {};

  before(async () => {
    const guardrails = [{ name: 'mails', action: 'Redact', restore: true, pii: { kinds: ['email'] } }];
    stack = await startStack(scope, { prepare: (directory) => setSpec(directory, { guardrails }) });
    ask = makeAsk(stack);
    bearer = async (user, roles) => ({
      authorization: `Bearer ${await stack.sign({ user, roles })}`,
      'x-user-id': user,
    });
    const call = async (name: string, body: object, user = 'ada') => {
      const { headers } = await ask(
        'POST',
        '/responses',
        { model: 'gpt-4o', ...body },
        { 'x-user-id': user, 'x-session-id': `sess_${user}` },
      );
      ids[name] = headers.get('x-request-id') ?? '';
    };
    await call('first', { input: 'Hello' });
    await call('failed', { input: 'Hello', metadata: { sandbox: 'status=500' } });
    await call('mail', { model: 'gpt-4o-mini', input: 'Write to bob@example.com' });
    await call('bobs', { input: 'Hi, I am Bob' }, 'bob');
  });

  const list = async (query: string, headers?: Record<string, string>) => {
    const { status, body } = await ask('GET', `/requests${query}`, undefined, headers);
    assert.equal(status, 200, JSON.stringify(body));
    return body.requests.map(({ request_id }: { request_id: string }) => request_id);
  };
  const named = (...names: string[]) => names.map((name) => ids[name]);

  it('lists them at once, the latest first', async () => {
    assert.deepEqual(await list(''), named('bobs', 'mail', 'failed', 'first'));
    const { body } = await ask('GET', '/requests?limit=1&user_id=bob');
    const { requests, next } = body;
    const [bobs] = requests;
    assert.equal(next, null);
    assert.deepEqual(
      [bobs.user_id, bobs.session_id, bobs.operation, bobs.status, bobs.requested_model, bobs.attempt_count],
      ['bob', 'sess_bob', 'responses', 'completed', 'gpt-4o', 1],
    );
    assert.ok(bobs.total_cost > 0 && bobs.total_tokens > 0 && bobs.duration_ms >= 0);
  });

  it('filters them', async () => {
    for (const [query, names] of [
      ['?status=failed', ['failed']],
      ['?model=gpt-4o-mini', ['mail']],
      ['?user_id=bob', ['bobs']],
      ['?session_id=sess_bob', ['bobs']],
      ['?guardrail=mails', ['mail']],
      ['?has_guardrail_hits=true', ['mail']],
      ['?operation=chat', []],
      ['?kind=analysis', []],
      ['?min_duration_ms=600000', []],
      ['?until=2026-01-01', []],
      ['?since=2099-01-01', []],
      ['?provider=nobody', []],
    ] as const)
      assert.deepEqual(await list(query), named(...names), query);
  });

  it('pages through them, without a gap and without one twice', async () => {
    const seen: string[] = [];
    let query = '?limit=1';
    for (let page = 0; page < 4; page += 1) {
      const { body } = await ask('GET', `/requests${query}`);
      seen.push(...body.requests.map(({ request_id }: { request_id: string }) => request_id));
      query = `?limit=1&before=${body.next}`;
      if (page === 3) assert.equal(body.next, null);
    }
    assert.deepEqual(seen, named('bobs', 'mail', 'failed', 'first'));
  });

  it('tells the whole story of one, and what was said only where it is asked for', async () => {
    const { body } = await ask('GET', `/requests/${ids.mail}`);
    assert.deepEqual(
      [body.guardrail_hits, body.contents, body.failed_attempts, body.rating],
      [['mails'], null, [], null],
    );
    assert.match(body.binding, /^default\/openai-shared$/);
    assert.match(body.response_id, /^resp_/);
    await ask('POST', `/responses/${ids.mail}/rate`, { rating: 1, feedback: 'Good.' });
    const { body: whole } = await ask('GET', `/requests/${ids.mail}?contents=true`);
    assert.match(whole.contents.input.text, /Write to \[EMAIL/);
    assert.match(whole.contents.output.text, /"output"/);
    assert.deepEqual([whole.contents.input.is_cut, whole.rating?.rating, whole.rating?.feedback], [false, 1, 'Good.']);
    const { body: failed } = await ask('GET', `/requests/${ids.failed}`);
    assert.deepEqual([failed.status, failed.http_status, failed.total_cost], ['failed', 500, null]);
  });

  it('shows members their own', async () => {
    const bob = await bearer('bob', ['member']);
    assert.deepEqual(await list('', bob), named('bobs'));
    assert.equal((await ask('GET', `/requests/${ids.first}`, undefined, bob)).body.error.code, 'request_not_found');
    assert.equal((await ask('GET', '/requests?user_id=ada', undefined, bob)).body.error.code, 'role_required');
    const analyst = await bearer('ann', ['analyst']);
    assert.equal((await list('', analyst)).length, 4);
    assert.equal((await ask('GET', `/requests/${ids.first}`, undefined, analyst)).status, 200);
  });

  it('refuses what it cannot read, by the name of the field', async () => {
    for (const [path, status, code, param] of [
      ['/requests?before=req_1', 400, 'invalid_request', 'before'],
      ['/requests?since=yesterday', 400, 'invalid_request', 'since'],
      ['/requests?status=lost', 400, 'invalid_request', 'status'],
      ['/requests?limit=1000', 400, 'invalid_request', 'limit'],
      ['/requests/req_1', 404, 'request_not_found', 'id'],
      [`/requests/req_${'0'.repeat(32)}`, 404, 'request_not_found', 'id'],
      ['/analytics/timeline?interval=hour', 400, 'invalid_request', 'start_date'],
      ['/analytics/timeline?start_date=2020-01-01', 400, 'invalid_request', 'start_date'],
    ] as const) {
      const { status: got, body } = await ask('GET', path);
      assert.deepEqual([got, body.error.code, body.error.param], [status, code, param], path);
    }
  });

  it('adds them up over time, by hour and by day alike', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const { body: hours } = await ask('GET', `/analytics/timeline?interval=hour&start_date=${today}`);
    const { body: days } = await ask('GET', '/analytics/timeline');
    const { body: models } = await ask('GET', '/analytics/models');
    const sum = (points: { request_count: number; total_cost: number }[], field: 'request_count' | 'total_cost') =>
      points.reduce((all, point) => all + point[field], 0);
    for (const points of [hours.points, days.points]) {
      assert.equal(sum(points, 'request_count'), models.total_requests);
      assert.ok(Math.abs(sum(points, 'total_cost') - models.total_cost) < 1e-9);
    }
    assert.equal(days.points.length, 30);
    assert.equal(days.points.at(-1).start, `${today}T00:00:00Z`);
    const busy = hours.points.filter((point: { request_count: number }) => point.request_count > 0);
    for (const { p50_response_time, p95_response_time } of busy) assert.ok(p50_response_time <= p95_response_time);
    const own = await ask('GET', '/analytics/timeline', undefined, await bearer('bob', ['member']));
    assert.deepEqual([sum(own.body.points, 'request_count'), own.body.filtered_by_user], [1, 'bob']);
  });

  it('says who asks', async () => {
    const { body } = await ask('GET', '/me', undefined, await bearer('bob', ['member']));
    const { organization, ...rest } = body;
    assert.deepEqual([organization.name, organization.display_name], ['acme', 'Acme Corporation']);
    assert.deepEqual(rest, {
      ...{ user_id: 'bob', roles: ['member'], sees_organization: false, stores_contents: true, surfaces: null },
    });
  });
});
