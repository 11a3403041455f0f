import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Client } from 'pg';
import { insertRequests } from '../../database/insert-requests.ts';
import { deletePastQuota, leaseQuota, type QuotaDemand, quotaCounterId, rowOf } from '../../database/quota.ts';
import { readQuotaTime, readRuleUse } from '../../database/rule-use.ts';
import { makeRecord } from '../request-record.ts';
import { suiteScope } from '../scope.ts';
import { batchOf } from './batch.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let tenant: Tenant;
let asTenant: Client;

before(async () => {
  database = await openDatabase(scope);
  tenant = await makeTenant(database);
  asTenant = await connect(scope, tenant.url);
});

let rules = 0;

/** A rule of its own that lets 100 through, and what its leases ask for. */
function makeRule(changes: Partial<QuotaDemand> = {}) {
  rules += 1;
  const rule = `limits/rule-${rules}`;
  const counter = { rule, unit: 'requests', per: 'Organization', scope: '', startMs: 0, endMs: undefined } as const;
  const counterId = quotaCounterId(counter);
  const ask = { amount: 100, spent: 0, smallest: 1, wanted: 1, target: 10, ends: false, ttlMs: 30_000 };
  return (leaseId: number, more: Partial<QuotaDemand> = {}): QuotaDemand => ({
    ...{ ...counter, counterId, leaseId, ...ask },
    ...changes,
    ...more,
  });
}

/** Leases at a time of the test's choice. */
async function leaseAt(atS: number, ...demands: readonly QuotaDemand[]) {
  const { rows } = await database.owner.query<{ granted: string; room: string; is_current: boolean }>(
    `select granted, room, is_current
     from chaperone.lease_quota_of($1, $2, timestamptz '2026-01-01' + $3 * interval '1 second')`,
    [tenant.id, JSON.stringify(demands.map(rowOf)), atS],
  );
  return rows.map(({ granted, room, is_current }) => ({
    granted: Number(granted),
    room: Number(room),
    isCurrent: is_current,
  }));
}

async function granted(atS: number, demand: QuotaDemand): Promise<number> {
  const [grant] = await leaseAt(atS, demand);
  return grant?.granted ?? -1;
}

async function settle(demand: QuotaDemand, amount: number, record = makeRecord(tenant.id, {})) {
  const settled = { ...record, quota: `0,${demand.counterId},${demand.leaseId},${amount}` };
  await insertRequests(asTenant, tenant.id, batchOf([settled]));
}

test('leases never add up to more than the limit, and the last of it is spread', async () => {
  const demand = makeRule();
  assert.equal(await granted(0, demand(1, { target: 60 })), 50);
  assert.equal(await granted(0, demand(2, { target: 60 })), 16);
  assert.equal(await granted(0, demand(3, { wanted: 60 })), 34);
  assert.equal(await granted(0, demand(4)), 0);
});

test('a lease that is too small to be of use is not given', async () => {
  const demand = makeRule();
  await leaseAt(0, demand(1, { wanted: 95 }));
  assert.equal(await granted(0, demand(2, { smallest: 6, wanted: 8, target: 8 })), 0);
  assert.equal(await granted(0, demand(2, { smallest: 5, wanted: 8, target: 8 })), 5);
});

test('what a proxy gives back is free for others', async () => {
  const demand = makeRule();
  await leaseAt(0, demand(1, { wanted: 100 }));
  await leaseAt(1, demand(1, { spent: 30, smallest: 30, wanted: 30, target: 30, ends: true }));
  assert.equal(await granted(1, demand(2, { wanted: 100 })), 70);
});

test('of a lease that has expired, what its proxy had used stays withheld until its records are late by an hour', async () => {
  const demand = makeRule();
  await leaseAt(0, demand(1, { wanted: 60 }));
  await leaseAt(10, demand(1, { spent: 20, wanted: 60, target: 60 }));
  assert.equal(await granted(39, demand(2, { smallest: 50, wanted: 100 })), 0, 'the lease holds 30 s');
  assert.equal(await granted(41, demand(2, { wanted: 100 })), 80);
  await leaseAt(41, demand(2, { target: 0, wanted: 0, ends: true }));
  assert.equal(await granted(3_700, demand(3, { wanted: 100 })), 100);
});

test('a place for a concurrent call is free as soon as its lease has expired', async () => {
  const demand = makeRule({ unit: 'concurrent' });
  await leaseAt(0, demand(1, { spent: 90, wanted: 100 }));
  assert.equal(await granted(29, demand(2, { wanted: 100 })), 0);
  assert.equal(await granted(31, demand(2, { wanted: 100 })), 100);
});

test('a window that is over, or far ahead, gets nothing', async () => {
  const startMs = Date.parse('2026-01-01');
  const demand = makeRule({ startMs, endMs: startMs + 60_000 });
  const over = { granted: 0, isCurrent: false };
  const [late] = await leaseAt(60, demand(1));
  assert.deepEqual({ granted: late?.granted, isCurrent: late?.isCurrent }, over);
  const [early] = await leaseAt(-61, demand(1));
  assert.deepEqual({ granted: early?.granted, isCurrent: early?.isCurrent }, over);
  assert.equal(await granted(-1, demand(1)), 10, 'the next window can be leased ahead');
});

test('a record counts once, however often it is sent', async () => {
  const demand = makeRule();
  await leaseQuota(asTenant, [demand(1, { spent: 5, wanted: 10 })]);
  const record = makeRecord(tenant.id, {});
  await settle(demand(1), 7, record);
  await settle(demand(1), 7, record);
  await settle(demand(1), 3);
  const [use] = await readRuleUse(asTenant, tenant.id, {
    rules: [demand(1).rule],
    userId: null,
    atMs: await readQuotaTime(asTenant),
  });
  assert.deepEqual([use?.used, use?.held, use?.windowEnd], ['10', '0', null]);
});

test('a record that is late finds its counter, although its lease has gone', async () => {
  const demand = makeRule();
  await leaseAt(0, demand(1, { spent: 5, wanted: 10 }));
  // After an hour it is no longer waited for, and its lease is removed.
  await leaseAt(4_000, demand(2));
  await settle(demand(1), 5);
  assert.equal(await granted(4_000, demand(2, { wanted: 100 })), 95);
});

test('counters that no call needs any longer are deleted, and only they', async () => {
  const day = 86_400_000;
  const past = { startMs: Date.now() - 10 * day, endMs: Date.now() - 4 * day };
  const cases: readonly (readonly [name: string, changes: Partial<QuotaDemand>, idleDays: number, isKept: boolean])[] =
    [
      ['whose window ended days ago', past, 4, false],
      ['of a place that nobody holds', { unit: 'concurrent', per: 'User' }, 2, false],
      ['of a place that somebody holds', { unit: 'concurrent', per: 'User' }, 0, true],
      ['of a session without a call for long', { per: 'Session', scope: 'a/1' }, 91, false],
      ['of a session that may go on', { per: 'Session', scope: 'a/2' }, 80, true],
      ['of a user, which never begins anew', { per: 'User', scope: 'a' }, 200, true],
    ];
  const made: { readonly name: string; readonly demand: QuotaDemand; readonly isKept: boolean }[] = [];
  for (const [name, changes, idleDays, isKept] of cases) {
    const demand = makeRule(changes)(1);
    const counter = { ...demand, counterId: quotaCounterId(demand) };
    await leaseQuota(asTenant, [counter]);
    await database.owner.query(
      `update chaperone.quota_leases set expires_at = now() - $2::float8 * interval '1 day' where counter_id = $1`,
      [counter.counterId, idleDays],
    );
    made.push({ name, demand: counter, isKept });
  }
  // Its records came when its counter had gone.
  await settle(makeRule()(7), 5);
  await database.owner.query(
    `update chaperone.quota_leases set expires_at = now() - interval '4 days' where lease_id = 7`,
  );
  await deletePastQuota(database.owner);
  const { rows } = await database.owner.query<{ id: string }>('select counter_id as id from chaperone.quota_counters');
  const kept = new Set(rows.map(({ id }) => Number(id)));
  for (const { name, demand, isKept } of made) assert.equal(kept.has(demand.counterId), isKept, name);
  const { rowCount } = await database.owner.query('select from chaperone.quota_leases where lease_id = 7');
  assert.equal(rowCount, 0, 'what belongs to no counter');
});

test('a lease that its proxy overdrew leaves others the less', async () => {
  const demand = makeRule();
  await leaseAt(0, demand(1, { wanted: 10, target: 10 }));
  await leaseAt(1, demand(1, { spent: 40, smallest: 41, wanted: 40, target: 40 }));
  assert.equal(await granted(1, demand(2, { wanted: 100 })), 60);
});

test('a lower limit takes from leases what they have not used', async () => {
  const demand = makeRule();
  await leaseAt(0, demand(1, { wanted: 80 }));
  assert.equal(await granted(1, demand(1, { amount: 50, spent: 30, smallest: 31, wanted: 31, target: 80 })), 50);
  assert.equal(await granted(1, demand(1, { amount: 20, spent: 30, smallest: 31, wanted: 31, target: 80 })), 30);
});

test('a tenant cannot lease for another organization, nor write to the tables', async () => {
  await assert.rejects(asTenant.query('select chaperone.lease_quota_of($1, $2, now())', [tenant.id, '[]']), {
    code: '42501',
  });
  for (const sql of [
    'update chaperone.quota_counters set used = 0',
    'update chaperone.quota_leases set settled = 0',
    'delete from chaperone.quota_leases',
  ])
    await assert.rejects(asTenant.query(sql), { code: '42501' });
});

test('a free place is kept for the proxy that has none, and a proxy that has some is told to give one back', async () => {
  const demand = makeRule({ unit: 'concurrent', amount: 2, target: 1 });
  assert.equal(await granted(0, demand(1, { wanted: 2, target: 2 })), 2);
  assert.deepEqual(await leaseAt(1, demand(2)), [{ granted: 0, room: 0, isCurrent: true }]);
  const [running] = await leaseAt(1, demand(1, { spent: 2, wanted: 2, target: 3 }));
  assert.deepEqual([running?.granted, running?.room], [2, -1]);
  // A call of the first proxy has ended. Its next one is refused, since the other proxy comes again.
  assert.equal(await granted(2, demand(1, { spent: 1, wanted: 2, target: 3, smallest: 2 })), 1);
  assert.equal(await granted(2, demand(2)), 1);
});

test('a place is not kept for a proxy that does not come again', async () => {
  const demand = makeRule({ unit: 'concurrent', amount: 1, target: 1 });
  assert.equal(await granted(0, demand(1)), 1);
  assert.equal(await granted(1, demand(2)), 0);
  assert.equal(await granted(2, demand(1, { spent: 0 })), 0);
  assert.equal(await granted(4, demand(1, { spent: 0 })), 1);
});
