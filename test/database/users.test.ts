import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { foldUsage } from '../../database/analytics/fold.ts';
import { userIdOf } from '../../database/ids.ts';
import { insertRequests } from '../../database/insert-requests.ts';
import { insertPendingCalls } from '../../database/pending-calls.ts';
import { eraseUser } from '../../database/users.ts';
import { makeRecord } from '../request-record.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { batchOf } from './batch.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});
const earlier = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();

test('an erasure waits for running writes, and erases their rows, too', async () => {
  const tenant = await makeTenant(database);
  const [writer, eraser] = [await connect(scope, tenant.url), await connect(scope, tenant.url)];
  const ada = userIdOf(tenant.id, 'ada');
  await insertRequests(eraser, tenant.id, batchOf([makeRecord(tenant.id, { started_at: earlier(60) })]));
  const record = makeRecord(tenant.id, { started_at: earlier(30) });
  await writer.query('begin');
  await insertRequests(
    writer,
    tenant.id,
    batchOf([record], () => 'sealed'),
  );
  const erasing = eraseUser(eraser, ada);
  await until(async () => {
    const { rows } = await database.owner.query('select from chaperone.erased_users where organization_id = $1', [
      tenant.id,
    ]);
    return rows.length === 1;
  }, 'the note');
  await writer.query('commit');
  const stranger = await erasing;
  const { rows } = await database.owner.query(
    'select distinct user_id, session_id from chaperone.requests where organization_id = $1',
    [tenant.id],
  );
  assert.deepEqual(
    rows.map(({ user_id }) => user_id),
    [stranger],
  );
  const { rowCount } = await database.owner.query('select from chaperone.request_contents where organization_id = $1', [
    tenant.id,
  ]);
  assert.equal(rowCount, 0);
});

test('late records of several erased users stay separate, also among others and when repeated', async () => {
  const tenant = await makeTenant(database);
  const db = await connect(scope, tenant.url);
  const of = (user: string, seconds: number) =>
    makeRecord(tenant.id, {
      started_at: earlier(seconds),
      user_id: userIdOf(tenant.id, user),
      user_external_id: user,
      turn_id: `${user}-turn`,
    });
  await insertRequests(
    db,
    tenant.id,
    batchOf([of('ada', 60), of('bob', 60), of('eve', 60)], () => 'sealed'),
  );
  for (const user of ['ada', 'bob']) assert.ok(await eraseUser(db, userIdOf(tenant.id, user)));
  assert.equal(await eraseUser(db, userIdOf(tenant.id, 'nobody')), undefined);
  const [ada, bob, eve] = [of('ada', 30), of('bob', 30), of('eve', 30)];
  const back = of('bob', -30);
  for (let time = 0; time < 2; time += 1)
    await insertRequests(
      db,
      tenant.id,
      batchOf([ada, bob, eve, back], () => 'sealed'),
    );
  const { rows } = await database.owner.query(
    `select r.request_id, r.turn_id, u.external_id, c.request_id is not null as has_contents
     from chaperone.requests r
       join chaperone.users u on u.organization_id = r.organization_id and u.user_id = r.user_id
       left join chaperone.request_contents c
         on c.organization_id = r.organization_id and c.started_at = r.started_at and c.request_id = r.request_id
     where r.organization_id = $1 and r.request_id = any ($2)`,
    [tenant.id, [ada, bob, eve, back].map(({ request_id }) => request_id)],
  );
  const found = new Map(rows.map((row) => [row.request_id, row]));
  assert.equal(found.size, 4);
  for (const record of [ada, bob]) {
    assert.match(found.get(record.request_id).external_id, /^erased-/);
    assert.equal(found.get(record.request_id).has_contents, false);
    assert.equal(found.get(record.request_id).turn_id, null);
  }
  assert.notEqual(found.get(ada.request_id).external_id, found.get(bob.request_id).external_id);
  assert.equal(found.get(eve.request_id).turn_id, 'eve-turn');
  assert.deepEqual([found.get(eve.request_id).external_id, found.get(eve.request_id).has_contents], ['eve', true]);
  assert.deepEqual([found.get(back.request_id).external_id, found.get(back.request_id).has_contents], ['bob', true]);
  const { rows: known } = await database.owner.query(
    `select external_id from chaperone.users where organization_id = $1 and external_id not like 'erased-%' order by 1`,
    [tenant.id],
  );
  assert.deepEqual(
    known.map(({ external_id }) => external_id),
    ['bob', 'eve'],
  );
});

test('what arrives after an erasure has the same anonymous user, also where some of it came before its end', async () => {
  const tenant = await makeTenant(database);
  const db = await connect(scope, tenant.url);
  const ada = userIdOf(tenant.id, 'ada');
  const add = (seconds: number) =>
    insertRequests(
      db,
      tenant.id,
      batchOf([makeRecord(tenant.id, { started_at: earlier(seconds), session_id: 'one' })]),
    );
  const usersOfRecords = async () => {
    const { rows } = await database.owner.query<{ user_id: string; session_id: string }>(
      'select distinct user_id, session_id from chaperone.requests where organization_id = $1',
      [tenant.id],
    );
    return rows;
  };

  await add(90);
  await db.query('select chaperone.note_erasure($1)', [ada]);
  await add(60);
  const { rows } = await db.query<{ stranger: string }>('select chaperone.erase_user($1) as stranger', [ada]);
  await add(30);
  const [of, ...others] = await usersOfRecords();
  assert.deepEqual([of?.user_id, others], [rows[0]?.stranger, []]);

  // Somebody with the same name. Of what comes between note and erasure, the sums are made at once.
  await add(-60);
  await db.query('select chaperone.note_erasure($1)', [ada]);
  await add(20);
  await foldUsage(db);
  assert.ok(await eraseUser(db, ada));
  await add(10);
  assert.ok((await usersOfRecords()).every(({ user_id, session_id }) => user_id !== ada && session_id !== 'one'));
  await foldUsage(db);
  const { rows: users } = await db.query<{ external_id: string }>('select external_id from chaperone.users');
  assert.ok(users.every(({ external_id }) => external_id.startsWith('erased-')));
});

test('a call in the background that arrives late keeps nothing of the erased user', async () => {
  const tenant = await makeTenant(database);
  const db = await connect(scope, tenant.url);
  const call = {
    ...makeRecord(tenant.id, {
      started_at: earlier(60),
      response_id: 'resp_late',
      session_id: 'ada-session',
      turn_id: 'ada-turn',
      client_name: 'ada-client',
      end_user: 'ada',
    }),
    input_sealed: 'ada-input',
    output_sealed: 'ada-output',
  };
  await insertRequests(db, tenant.id, batchOf([makeRecord(tenant.id, { started_at: earlier(90) })]));
  assert.ok(await eraseUser(db, call.user_id));
  await insertPendingCalls(db, tenant.id, JSON.stringify([call]));
  const { rows } = await database.owner.query<{ record: string }>(
    'select record::text as record from chaperone.pending_calls where organization_id = $1',
    [tenant.id],
  );
  assert.equal(rows.length, 1);
  assert.doesNotMatch(rows[0]?.record ?? '', /"ada|ada"/);
  assert.ok(!rows[0]?.record.includes(call.user_id));
});
