import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  claimPendingCalls,
  findPendingCall,
  insertPendingCalls,
  markSettled,
  nextCheckInMs,
} from '../../database/pending-calls.ts';
import type { Queryable } from '../../database/queryable.ts';
import type { RequestRecord } from '../../database/requests.ts';
import { makeRecord } from '../request-record.ts';
import { suiteScope } from '../scope.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let db: Queryable;
let tenant: Tenant;

before(async () => {
  database = await openDatabase(scope);
});
/** A proxy that has the key of all these calls. */
const claimer = { apiKeyIds: ['key'], giveUpMs: 3_600_000 };

async function prepare(count: number): Promise<RequestRecord[]> {
  tenant = await makeTenant(database);
  db = await connect(scope, tenant.url);
  // So old that each is looked at once a minute: a test that is held up meets none that is due again.
  const started_at = new Date(Date.now() - 180_000).toISOString();
  const records = Array.from({ length: count }, (_, index) =>
    makeRecord(tenant.id, { started_at, response_id: `resp_${index}`, api_key_id: 'key' }),
  );
  await insertPendingCalls(db, tenant.id, JSON.stringify(records));
  return records;
}

const makeDue = () =>
  database.owner.query('update chaperone.pending_calls set next_look_at = now() where organization_id = $1', [
    tenant.id,
  ]);

test('a pending call is found by the provider’s id until it is settled', async () => {
  const [one, other] = await prepare(2);
  assert.deepEqual(await findPendingCall(db, tenant.id, 'resp_0'), one);
  assert.deepEqual(await markSettled(db, tenant.id, JSON.stringify([one])), new Set([one?.request_id]));
  assert.deepEqual(await markSettled(db, tenant.id, JSON.stringify([one])), new Set());
  assert.equal(await findPendingCall(db, tenant.id, 'resp_0'), undefined);
  // Told again, it stays settled.
  await insertPendingCalls(db, tenant.id, JSON.stringify([one, other]));
  assert.equal(await findPendingCall(db, tenant.id, 'resp_0'), undefined);
  assert.deepEqual(await findPendingCall(db, tenant.id, 'resp_1'), other, 'another was settled with it');
});

test('no call is due at once', async () => {
  const [record] = await prepare(1);
  // In a transaction, in which no time passes.
  await db.query('begin');
  await insertPendingCalls(
    db,
    tenant.id,
    JSON.stringify([{ ...record, request_id: 'req_new', response_id: 'resp_new' }]),
  );
  const claimed = await claimPendingCalls(db, tenant.id, claimer, 10);
  await db.query('commit');
  assert.ok(claimed.every(({ response_id }) => response_id !== 'resp_new'));
  assert.equal((await findPendingCall(db, tenant.id, 'resp_new'))?.request_id, 'req_new');
});

test('each due call goes to one proxy until it is due again', async () => {
  const records = await prepare(10);
  await makeDue();
  const second = await connect(scope, tenant.url);
  const claims = await Promise.all([db, second].map((proxy) => claimPendingCalls(proxy, tenant.id, claimer, 5)));
  const ids = claims.flat().map((call) => call.request_id);
  assert.deepEqual(ids.sort(), records.map((record) => record.request_id).sort());
  assert.deepEqual(await claimPendingCalls(db, tenant.id, claimer, 10), []);
  const inMs = (await nextCheckInMs(db, tenant.id, claimer)) ?? 0;
  assert.ok(inMs > 0 && inMs <= 60_000, String(inMs));
});

test('a settled call is never due', async () => {
  const records = await prepare(3);
  await makeDue();
  await markSettled(db, tenant.id, JSON.stringify(records));
  assert.deepEqual(await claimPendingCalls(db, tenant.id, claimer, 10), []);
  assert.equal(await nextCheckInMs(db, tenant.id, claimer), undefined);
});

test('calls of a key that a proxy does not have are left to others until their deadline', async () => {
  await prepare(2);
  await makeDue();
  const without = { ...claimer, apiKeyIds: ['another'] };
  assert.deepEqual(await claimPendingCalls(db, tenant.id, without, 10), []);
  assert.equal(await nextCheckInMs(db, tenant.id, without), undefined);
  const late = { ...without, giveUpMs: 60_000 };
  assert.ok(((await nextCheckInMs(db, tenant.id, late)) ?? 1) <= 0);
  assert.equal((await claimPendingCalls(db, tenant.id, late, 10)).length, 2);
});
