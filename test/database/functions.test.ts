import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { insertRequests } from '../../database/insert-requests.ts';
import { ensureRequestPartitions } from '../../database/requests.ts';
import { makeRecord } from '../request-record.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { batchOf } from './batch.ts';
import { findFunctionFaults } from './function-rules.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});
async function boundsOf(table: string): Promise<string | undefined> {
  const { rows } = await database.owner.query<{ bounds: string }>(
    `select pg_get_expr(relpartbound, oid) as bounds from pg_class where oid = to_regclass($1)`,
    [`chaperone.${table}`],
  );
  return rows[0]?.bounds;
}

/** A March of the last two years, and its neighbour. */
const year = new Date().getUTCFullYear() - 1;
const march = new Date(Date.UTC(year, 2, 10));
const april = new Date(Date.UTC(year, 3, 10));

test('a tenant’s time zone and date style do not affect partitions', async (t) => {
  const attacker = await connect(t, (await makeTenant(database)).url);
  await attacker.query("set datestyle = 'SQL, MDY'");
  await attacker.query("set timezone = 'AAA-5AAA4,J30/0,J60/2'");
  await attacker.query('select chaperone.ensure_request_partitions($1)', [march]);
  await database.owner.query("set timezone = 'UTC'");
  await ensureRequestPartitions(database.owner, march);
  await ensureRequestPartitions(database.owner, april);
  const expected = (from: string, to: string) =>
    `FOR VALUES FROM ('${year}-${from}-01 00:00:00+00') TO ('${year}-${to}-01 00:00:00+00')`;
  assert.equal(await boundsOf(`requests_${year}_03`), expected('03', '04'));
  assert.equal(await boundsOf(`requests_${year}_04`), expected('04', '05'));
});

test('the owner’s own settings do not affect partitions', async (t) => {
  const owner = await connect(t, database.url);
  await owner.query("set datestyle = 'SQL, DMY'");
  await owner.query("set timezone = 'AAA-5AAA4,J30/0,J60/2'");
  await ensureRequestPartitions(owner, new Date(Date.UTC(year, 5, 10)));
  const june = `FOR VALUES FROM ('${year}-06-01 00:00:00+00') TO ('${year}-07-01 00:00:00+00')`;
  assert.equal(await boundsOf(`requests_${year}_06`), june);
});

test('a tenant that asks for a partition in an open transaction does not block others', async (t) => {
  const attacker = await connect(t, (await makeTenant(database)).url);
  await attacker.query('begin');
  await attacker.query('select chaperone.ensure_request_partitions($1)', [new Date(Date.UTC(year, 7, 1))]);
  const { rowCount } = await database.owner.query(
    `select from pg_locks where pid = $1 and mode = 'AccessExclusiveLock'`,
    [(await attacker.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid],
  );
  assert.equal(rowCount, 0);
  const victim = await makeTenant(database);
  const asVictim = await connect(t, victim.url);
  const strayed = makeRecord(victim.id, { started_at: '2009-01-01T00:00:00.000Z' });
  await asVictim.query("set statement_timeout = '5s'");
  await insertRequests(asVictim, victim.id, batchOf([strayed]));
});

test('a month with too many early records stays in the default partition', async (t) => {
  const tenant = await makeTenant(database);
  const at = new Date(Date.UTC(year, 9, 10));
  await database.owner.query(
    `insert into chaperone.requests (organization_id, request_id, started_at, operation, user_id, session_id, provider,
       is_stream, status)
     select $1, 'req_' || n, $2, 'chat', $1, 's', 'openai', false, 'completed' from generate_series(1, 100001) n`,
    [tenant.id, at],
  );
  await assert.rejects(ensureRequestPartitions(database.owner, at), { code: '55000' });
  assert.equal(await boundsOf(`requests_${year}_10`), undefined);
  const { rows } = await database.owner.query<{ count: number }>(
    'select count(*)::int as count from chaperone.requests where organization_id = $1',
    [tenant.id],
  );
  assert.equal(rows[0]?.count, 100_001);
  // The next month is made all the same.
  await ensureRequestPartitions(database.owner, new Date(Date.UTC(year, 10, 10)));
  atEnd(t, () => database.owner.query('delete from chaperone.requests where organization_id = $1', [tenant.id]));
});

describe('the functions', () => {
  test('set the settings that they depend on, and do no DDL for a tenant', async () => {
    assert.deepEqual(await findFunctionFaults(database.owner), []);
  });

  const mistakes: readonly (readonly [sql: string, faults: readonly string[]])[] = [
    [
      `create function chaperone.f() returns int language sql security definer as $$ select 1 $$`,
      [
        'chaperone.f() runs as its owner and does not set search_path=pg_catalog, pg_temp',
        'chaperone.f() runs as its owner and does not set TimeZone=UTC',
        'chaperone.f() runs as its owner and does not set DateStyle=ISO, YMD',
      ],
    ],
    [
      `create function chaperone.f() returns void language sql security definer set search_path = pg_catalog, pg_temp
         set timezone = 'UTC' set datestyle = 'ISO, YMD' as $$ update chaperone.users set is_active = true $$`,
      ['chaperone.f() runs as its owner and does not set lock_timeout'],
    ],
    [
      `create function chaperone.g() returns void language plpgsql as $$ begin create table x (); end $$;
       revoke all on function chaperone.g() from public;
       create function chaperone.f() returns void language sql as $$ select chaperone.g() $$`,
      ['chaperone.g() does DDL for a tenant'],
    ],
    [
      'grant execute on function chaperone.make_request_partitions to chaperone_tenant',
      ['chaperone.make_request_partitions(timestamp with time zone) does DDL for a tenant'],
    ],
  ];
  for (const [sql, faults] of mistakes) {
    test(`would show: ${faults[0]}`, async (t) => {
      const client = await connect(t, database.url);
      await client.query('begin');
      await client.query('set local check_function_bodies = off');
      await client.query(sql);
      assert.deepEqual((await findFunctionFaults(client)).sort(), [...faults].sort());
      await client.query('rollback');
    });
  }
});
