import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../../../database/tenant.ts';
import { makeDirectory, repository } from '../../../directories.ts';
import { startProxy } from '../../../proxy-process.ts';
import { suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';
import { startRelay, type TcpRelay, viaPort } from '../../../tcp-relay.ts';
import { until } from '../../../until.ts';

import { type Ask, makeAsk } from './ask.ts';

/** A proxy without the database still has in its spool what another one erases meanwhile. */
describe('records of an erased user that arrive late', () => {
  const scope = suiteScope();
  let stack: Stack;
  let ask: Ask;
  let askElsewhere: Ask;
  let elsewhere: { readonly baseUrl: string; readonly metricsPort: number };
  let way: TcpRelay;
  let owner: Client;

  before(async () => {
    stack = await startStack(scope);
    ask = makeAsk(stack);
    owner = await connect(scope, stack.database.url);
    way = await startRelay(scope, Number(new URL(stack.database.url).port));
    const credentialsDirectory = await makeDirectory(scope);
    await cp(stack.credentialsDirectory, credentialsDirectory, { recursive: true, dereference: true });
    const file = join(credentialsDirectory, 'database-url');
    await writeFile(file, viaPort(await readFile(file, 'utf8'), way.port));
    const proxy = await startProxy(scope, {
      entry: join(repository, 'cli', 'main.ts'),
      credentialsDirectory,
      upstreamUrl: stack.upstreamUrl,
    });
    elsewhere = { baseUrl: `http://127.0.0.1:${proxy.port}/v1`, metricsPort: proxy.metricsPort };
    askElsewhere = makeAsk({ ...elsewhere, token: stack.token });
  });

  const isShipped = () =>
    until(async () => {
      const text = await (await fetch(`http://127.0.0.1:${elsewhere.metricsPort}/metrics`)).text();
      return /^chaperone_spool_depth\{[^}]*\} 0$/m.test(text);
    }, 'the spool to be empty');
  const call = async (from: Ask, user: string, more: object = {}) => {
    const { status, body, headers } = await from(
      'POST',
      '/responses',
      { model: 'gpt-4o', input: `I am ${user}`, user, safety_identifier: `${user}-hashed`, ...more },
      { 'x-user-id': user, 'x-session-id': `${user}-s-session`, 'user-agent': `${user}-s-laptop/1.0` },
    );
    assert.equal(status, 200);
    return { requestId: headers.get('x-request-id') ?? '', id: String(body.id) };
  };
  const recordOf = async (requestId: string) => {
    const { rows } = await owner.query(
      `select r.*, exists (select from chaperone.request_contents c where c.request_id = r.request_id) as "hasContents"
       from chaperone.requests r where request_id = $1`,
      [requestId],
    );
    return rows[0];
  };
  /** Where in the database something is told of. */
  const placesOf = async (pattern: RegExp) => {
    const { rows: tables } = await owner.query<{ name: string }>(
      `select oid::regclass::text as name from pg_class
       where relnamespace = 'chaperone'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    );
    const places = [];
    for (const { name } of tables) {
      const { rows } = await owner.query<{ text: string }>(`select t::text as text from ${name} t`);
      if (rows.some(({ text }) => pattern.test(text))) places.push(name);
    }
    return places;
  };

  it('are anonymous, and a user who comes back is a new one', async () => {
    const early = await call(askElsewhere, 'eve');
    await call(askElsewhere, 'ada');
    await isShipped();
    const { body: eve } = await ask('GET', '/users/eve');
    await way.close();
    const late = await call(askElsewhere, 'eve');
    const other = await call(askElsewhere, 'ada');
    const rated = await askElsewhere(
      'POST',
      `/responses/${late.requestId}/rate`,
      { rating: 1, feedback: 'I am eve' },
      { 'x-user-id': 'eve' },
    );
    assert.equal(rated.status, 200);
    const working = await call(askElsewhere, 'eve', { background: true, metadata: { sandbox: 'work=6000' } });
    const made = await askElsewhere('POST', '/conversations', {}, { 'x-user-id': 'eve' });
    assert.equal(made.status, 200);

    const erased = await ask('POST', '/users/eve/erase');
    assert.deepEqual([erased.status, erased.body.erased], [200, true]);
    const back = await call(askElsewhere, 'eve');
    await way.open();
    await isShipped();

    const known = await recordOf(back.requestId);
    assert.deepEqual([known.user_id, known.hasContents, known.session_id], [eve.id, true, 'eve-s-session']);
    const forgotten = await recordOf(late.requestId);
    assert.notEqual(erased.body.anonymous_id, eve.id);
    assert.equal(forgotten.user_id, erased.body.anonymous_id);
    assert.deepEqual(
      [forgotten.hasContents, forgotten.status, Number(forgotten.total_tokens) > 0],
      [false, 'completed', true],
    );
    assert.equal((await recordOf(early.requestId)).user_id, erased.body.anonymous_id);
    assert.equal((await recordOf(other.requestId)).hasContents, true);
    await until(() => recordOf(working.requestId), 'what was worked on', 30_000);
    await isShipped();
    const worked = await recordOf(working.requestId);
    assert.equal(worked.user_id, forgotten.user_id);
    for (const { client_name, client_version, safety_identifier, end_user } of [forgotten, worked]) {
      assert.deepEqual([client_name, client_version, safety_identifier, end_user], [null, null, null, null]);
    }
    assert.deepEqual([known.client_name, known.end_user], ['eve-s-laptop', 'eve']);
    const { rows } = await owner.query(
      'select user_id, rated_by, feedback from chaperone.ratings where request_id = $1',
      [late.requestId],
    );
    assert.deepEqual(rows, [{ user_id: forgotten.user_id, rated_by: forgotten.user_id, feedback: null }]);
    const { rows: owned } = await owner.query('select user_id from chaperone.owned_resources where resource_id = $1', [
      made.body.id,
    ]);
    assert.deepEqual(owned, [{ user_id: forgotten.user_id }]);
    // All that is known of eve is what came after.
    assert.deepEqual(await placesOf(/I am eve/), []);
    const { rows: calls } = await owner.query('select request_id from chaperone.requests where user_id = $1', [eve.id]);
    assert.deepEqual(calls, [{ request_id: back.requestId }]);
    const { rows: counted } = await owner.query('select count(*)::int as calls from chaperone.requests');
    assert.deepEqual(counted, [{ calls: 6 }]);
  });

  it('create no user for somebody who does not come back', async () => {
    await call(askElsewhere, 'mallory');
    await isShipped();
    const { body: mallory } = await ask('GET', '/users/mallory');
    await way.close();
    const late = [];
    for (let number = 0; number < 5; number += 1) late.push(await call(askElsewhere, 'mallory'));
    assert.equal((await ask('POST', '/users/mallory/erase')).status, 200);
    await way.open();
    await isShipped();
    await ask('GET', '/analytics/user-usage');
    for (const { requestId } of late) assert.equal((await recordOf(requestId)).hasContents, false);
    assert.deepEqual(await placesOf(new RegExp(`mallory|${mallory.id}`)), []);
    // Sums are complete, in the name of nobody.
    const { rows } = await owner.query(
      `select (select sum(total_tokens) from chaperone.requests)::text as calls,
         (select sum(total_tokens) from chaperone.daily_usage where grain = 'user')::text as days`,
    );
    assert.equal(rows[0].days, rows[0].calls);
  });
});
