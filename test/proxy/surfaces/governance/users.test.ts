import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../../../database/tenant.ts';
import { recordOf } from '../../../recorded-call.ts';
import { suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';
import { until } from '../../../until.ts';

import { type Ask, makeAsk } from './ask.ts';

describe('/v1/users', () => {
  const scope = suiteScope();
  let stack: Stack;
  let ask: Ask;
  let owner: Client;
  before(async () => {
    stack = await startStack(scope);
    ask = makeAsk(stack);
    owner = await connect(scope, stack.database.url);
  });

  const call = (user: string, session = 'sess_users') =>
    ask(
      'POST',
      '/responses',
      { model: 'gpt-4o', input: `I am ${user}`, user, safety_identifier: `${session}-hashed` },
      { 'x-user-id': user, 'x-session-id': session, 'user-agent': `${session}-laptop/1.0` },
    );

  it('makes users, and finds those that calls have made', async () => {
    const made = await ask('POST', '/users', { user_id: 'grace@example.com', display_name: 'Grace' });
    assert.equal(made.status, 201);
    const { id, organization_id, created_at, updated_at, ...rest } = made.body;
    assert.deepEqual(rest, { user_id: 'grace@example.com', display_name: 'Grace', is_active: true });
    assert.ok(id !== organization_id && created_at === updated_at);
    assert.deepEqual((await ask('GET', '/users/grace%40example.com')).body, made.body);
    assert.deepEqual((await ask('GET', `/users/${id}`)).body, made.body);
    const again = await ask('POST', '/users', { user_id: 'grace@example.com' });
    assert.deepEqual([again.status, again.body.error.code, again.body.error.param], [409, 'name_taken', 'user_id']);

    const called = await call('linus');
    await recordOf(owner, called.headers.get('x-request-id'));
    const { body } = await ask('GET', '/users?limit=1000');
    assert.equal(body.total, body.users.length);
    assert.ok(body.users.some(({ user_id }: { user_id: string }) => user_id === 'linus'));
  });

  it('deactivates users: their calls are refused until they are active again', async () => {
    await ask('POST', '/users', { user_id: 'mallory' });
    assert.equal((await call('mallory')).status, 200);
    const gone = await ask('DELETE', '/users/mallory');
    assert.deepEqual([gone.status, gone.body.is_active], [200, false]);
    const refused = await call('mallory');
    assert.deepEqual([refused.status, refused.body.error.code], [403, 'user_inactive']);
    assert.equal((await ask('GET', '/users?is_active=false')).body.users[0].user_id, 'mallory');
    await ask('PATCH', '/users/mallory', { is_active: true });
    assert.equal((await call('mallory')).status, 200);
  });

  it('erases users: contents, feedback and identity go, sums stay', async () => {
    const called = await call('eve@example.com', 'eve-s-secret');
    const requestId = called.headers.get('x-request-id');
    await ask(
      'POST',
      `/responses/${requestId}/rate`,
      { rating: 1, feedback: 'I am Eve' },
      { 'x-user-id': 'eve@example.com' },
    );
    await recordOf(owner, requestId);
    await until(async () => {
      const { rowCount } = await owner.query('select from chaperone.ratings where request_id = $1', [requestId]);
      return rowCount === 1;
    });
    // A service that names her in its own call.
    const named = await ask(
      'POST',
      '/responses',
      { model: 'gpt-4o', input: 'Hi', user: 'eve@example.com', safety_identifier: 'eve@example.com' },
      { 'x-user-id': 'service' },
    );
    await recordOf(owner, named.headers.get('x-request-id'));
    // One that the provider still works on, whose record is written only when that ends.
    const working = await ask(
      'POST',
      '/responses',
      {
        model: 'gpt-4o',
        input: 'I am Eve',
        user: 'eve@example.com',
        background: true,
        metadata: { sandbox: 'work=600000' },
      },
      { 'x-user-id': 'eve@example.com', 'x-session-id': 'eve-s-secret' },
    );
    const workingId = working.headers.get('x-request-id');
    await until(async () => {
      const { rowCount } = await owner.query('select from chaperone.pending_calls where request_id = $1', [workingId]);
      return rowCount === 1;
    }, 'the pending call');
    const sums = async () =>
      (await owner.query('select count(*), sum(total_tokens), sum(cost_usd) from chaperone.requests')).rows;
    const before = await sums();
    const { body: eve } = await ask('GET', '/users/eve%40example.com');
    const erased = await ask('POST', '/users/eve%40example.com/erase');
    assert.deepEqual([erased.status, erased.body.erased], [200, true]);
    assert.deepEqual(await sums(), before);
    assert.equal((await ask('GET', '/users/eve%40example.com')).status, 404);
    assert.equal((await ask('GET', `/users/${eve.id}`)).status, 404);

    const { rows: tables } = await owner.query<{ name: string }>(
      `select oid::regclass::text as name from pg_class
       where relnamespace = 'chaperone'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    );
    for (const { name } of tables) {
      const { rows } = await owner.query<{ text: string }>(`select t::text as text from ${name} t`);
      const found = rows.filter(({ text }) => /eve@|eve-s|I am Eve/.test(text) || text.includes(eve.id));
      assert.deepEqual(found, [], `${name} still knows`);
    }
    const { rows } = await owner.query(
      `select user_id, exists (select from chaperone.request_contents c where c.request_id = r.request_id) as "hasContents"
       from chaperone.requests r where request_id = $1`,
      [requestId],
    );
    assert.deepEqual(rows, [{ user_id: erased.body.anonymous_id, hasContents: false }]);
    const ended = await fetch(`${stack.upstreamUrl}/responses/${working.body.id}/cancel`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-sandbox-shared' },
    });
    assert.equal(ended.status, 200);
    await recordOf(owner, workingId);
    const { rows: settled } = await owner.query(
      `select user_id, status, exists (select from chaperone.request_contents c where c.request_id = r.request_id) as "hasContents"
       from chaperone.requests r where request_id = $1`,
      [workingId],
    );
    assert.deepEqual(settled, [{ user_id: erased.body.anonymous_id, status: 'cancelled', hasContents: false }]);
    assert.equal((await ask('GET', '/users/eve%40example.com')).status, 404);
    // Whoever comes back is somebody new.
    const again = await call('eve@example.com');
    await recordOf(owner, again.headers.get('x-request-id'));
    assert.notEqual((await ask('GET', '/users/eve%40example.com')).body.id, erased.body.anonymous_id);
  });

  it('refuses bad input, naming the field', async () => {
    const table: readonly (readonly [string, string, unknown, number, string])[] = [
      ['POST', '/users', {}, 400, 'user_id'],
      ['POST', '/users', { user_id: '' }, 400, 'user_id'],
      ['POST', '/users', { user_id: 'line\nbreak' }, 400, 'user_id'],
      ['POST', '/users', { user_id: 'x'.repeat(256) }, 400, 'user_id'],
      ['POST', '/users', { user_id: 'x', email: 'x' }, 400, 'email'],
      ['PATCH', '/users/ada', { is_active: 'no' }, 400, 'is_active'],
      ['GET', '/users/nobody-known', undefined, 404, 'id'],
      ['DELETE', '/users/nobody-known', undefined, 404, 'id'],
      ['POST', '/users/nobody-known/erase', undefined, 404, 'id'],
      ['GET', '/users?limit=1001', undefined, 400, 'limit'],
    ];
    for (const [method, path, body, status, param] of table) {
      const answer = await ask(method, path, body);
      assert.deepEqual([answer.status, answer.body.error.param], [status, param], `${method} ${path}`);
    }
  });

  it('shows a member only itself, and lets only an admin change anything', async () => {
    await ask('POST', '/users', { user_id: 'trent' });
    const as = { authorization: `Bearer ${await stack.sign({ roles: ['member'] })}`, 'x-user-id': 'trent' };
    assert.equal((await ask('GET', '/users/trent', undefined, as)).body.user_id, 'trent');
    assert.equal((await ask('GET', '/users/grace%40example.com', undefined, as)).status, 404);
    for (const [method, path] of [
      ['GET', '/users'],
      ['POST', '/users'],
      ['DELETE', '/users/trent'],
      ['POST', '/users/trent/erase'],
    ] as const) {
      const { status, body } = await ask(method, path, method === 'POST' ? { user_id: 'x' } : undefined, as);
      assert.deepEqual([status, body.error.code], [403, 'role_required'], `${method} ${path}`);
    }
  });
});
