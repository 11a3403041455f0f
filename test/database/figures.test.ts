import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type Client, DatabaseError } from 'pg';
import { foldUsage } from '../../database/analytics/fold.ts';
import { figureBounds } from '../../database/figures.ts';
import { insertRequests } from '../../database/insert-requests.ts';
import type { RequestRecord } from '../../database/requests.ts';
import { makeRecord } from '../request-record.ts';
import { suiteScope } from '../scope.ts';
import { batchOf } from './batch.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let tenant: Tenant;
let db: Client;

before(async () => {
  database = await openDatabase(scope);
  tenant = await makeTenant(database);
  db = await connect(scope, tenant.url);
});
const insert = (record: RequestRecord) => insertRequests(db, tenant.id, batchOf([record]));

test('the bounds of figures are the same in the database and in a proxy', async () => {
  const { rows } = await database.owner.query<{ name: string; most: string }>(
    'select name, most from chaperone.figure_bounds()',
  );
  assert.deepEqual(Object.fromEntries(rows.map(({ name, most }) => [name, Number(most)])), figureBounds);
});

test('every figure of a record has its bounds', async () => {
  const { rows } = await database.owner.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = 'chaperone.requests'::regclass and attnum > 0
       and atttypid in ('int'::regtype, 'bigint'::regtype, 'numeric'::regtype)
       and attname <> all ('{http_status,message_digest,parent_digest,new_messages}')`,
  );
  assert.deepEqual(rows.map(({ name }) => name).sort(), Object.keys(figureBounds).sort());
});

describe('a record is refused', () => {
  const wrong: Readonly<Record<string, Partial<RequestRecord>>> = {
    'of a negative cost': { cost_usd: '-99999.5' },
    'of a cost that is no number': { cost_usd: 'NaN' },
    'of a cost beyond all measure': { cost_usd: '10000001' },
    'of 2^53-1 tokens': { total_tokens: Number.MAX_SAFE_INTEGER },
    'of negative tokens': { input_tokens: -1 },
    'of negative parts of tokens': { input_audio_tokens: -1 },
    'of a negative duration': { duration_ms: -1 },
    'of negative images': { images: -1 },
    'of endless audio': { audio_seconds: 100_000_001 },
    'of no time': { started_at: 'infinity' },
    'of no time, the other way': { started_at: '-infinity' },
    'of a time that no clock shows': { started_at: '200000-01-01T00:00:00Z' },
    'of a model’s name that fits into no index': { model: 'm'.repeat(201) },
    'of a session’s name that fits into no index': { session_id: 's'.repeat(129) },
  };
  for (const [title, changes] of Object.entries(wrong)) {
    test(title, async () => {
      const record = { ...makeRecord(tenant.id), ...changes };
      await assert.rejects(insert(record), (error) => error instanceof DatabaseError && error.code === '23514');
    });
  }
});

test('sums stop at their maximum, and later records are still added', async () => {
  const most = await makeTenant(database);
  const client = await connect(scope, most.url);
  const at = makeRecord(most.id).started_at;
  const insertMany = (count: number, tokens: number) =>
    client.query(
      `insert into chaperone.requests (organization_id, request_id, started_at, operation, user_id, session_id, provider,
         is_stream, status, input_tokens, total_tokens, duration_ms)
       select $1, gen_random_uuid(), $2, 'chat', $1, 's' || n % 3, 'openai', false, 'completed', $3, $3, 1
       from generate_series(1, $4::int) n`,
      [most.id, at, tokens, count],
    );
  await insertMany(10, figureBounds.total_tokens);
  await foldUsage(client);
  for (const table of ['daily_usage', 'weekly_usage', 'session_usage']) {
    await database.owner.query(
      `update chaperone.${table} set total_tokens = 8999999999999999000 where organization_id = $1`,
      [most.id],
    );
  }
  await insertMany(10, figureBounds.total_tokens);
  await insertMany(1, 5);
  await foldUsage(client);
  const { rows } = await client.query(
    `select total_tokens, duration_ms, completed_count from chaperone.daily_usage where grain = 'user'`,
  );
  assert.deepEqual(rows, [{ total_tokens: '9000000000000000000', duration_ms: '21', completed_count: 21 }]);
});

test('a fold adds many waiting records in steps', async () => {
  const busy = await makeTenant(database);
  const client = await connect(scope, busy.url);
  for (let count = 0; count < 6; count += 1) {
    await insertRequests(client, busy.id, batchOf(Array.from({ length: 2_000 }, () => makeRecord(busy.id))));
  }
  const step = () => client.query<{ more: boolean }>('select chaperone.fold_some_usage(true) as more');
  assert.deepEqual((await step()).rows, [{ more: true }]);
  await foldUsage(client);
  assert.deepEqual((await step()).rows, [{ more: false }]);
  const { rows } = await client.query(
    `select completed_count from chaperone.daily_usage where grain = 'user' order by completed_count`,
  );
  assert.deepEqual(rows, [{ completed_count: 12_000 }]);
});

test('a fold stays within the statement timeout, also without table statistics and after one large insert', async () => {
  const large = await makeTenant(database);
  const client = await connect(scope, large.url);
  const insertMany = (count: number, part: number) =>
    client.query(
      `insert into chaperone.requests (organization_id, request_id, started_at, operation, user_id, session_id, provider,
         is_stream, status)
       select $1, 'req_' || md5($2 || '/' || n), '2009-06-01T00:00:00Z', 'chat', $1, 's' || n, 'openai', false, 'completed'
       from generate_series(1, $3::int) n`,
      [large.id, part, count],
    );
  for (let part = 0; part < 5; part += 1) await insertMany(2_000, part);
  // Ten times as many as a proxy inserts at once.
  await insertMany(5_000, 5);
  const { rows: steps } = await client.query<{ more: boolean }>('select chaperone.fold_some_usage(true) as more');
  assert.deepEqual(steps, [{ more: true }]);
  await foldUsage(client);
  const { rows } = await client.query(
    `select sum(completed_count)::int as count from chaperone.daily_usage where grain = 'user'`,
  );
  assert.deepEqual(rows, [{ count: 15_000 }]);
});

for (const knows of ['nothing', 'other organizations alone']) {
  test(`a fold reads the new records and no others where statistics know ${knows}`, async () => {
    const owner = await connect(scope, database.url);
    const busy = await makeTenant(database);
    const client = await connect(scope, busy.url);
    const insertMany = async (tenant: Tenant, by: Client) => {
      for (let count = 0; count < 10; count += 1) {
        await insertRequests(by, tenant.id, batchOf(Array.from({ length: 300 }, () => makeRecord(tenant.id))));
      }
    };
    if (knows !== 'nothing') {
      const other = await makeTenant(database);
      await insertMany(other, await connect(scope, other.url));
      await owner.query('analyze chaperone.requests');
    }
    await insertMany(busy, client);
    await owner.query('begin');
    await owner.query('select chaperone.fold_some_usage_of($1, true, 2)', [busy.id]);
    const { rows } = await owner.query<{ read: number }>(
      `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as read
       from pg_stat_xact_user_tables where schemaname = 'chaperone' and relname like 'requests%'`,
    );
    await owner.query('rollback');
    assert.deepEqual(rows, [{ read: 600 }]);
  });
}

test('a fold reads the sessions of its calls and no others, where a user has many and statistics know nothing', async () => {
  const owner = await connect(scope, database.url);
  const busy = await makeTenant(database);
  const client = await connect(scope, busy.url);
  const insertMany = (round: number, first: number, last: number) =>
    client.query(
      `insert into chaperone.requests (organization_id, request_id, started_at, operation, user_id, session_id, provider,
         is_stream, status, model)
       select $1, 'req_' || md5($2 || '/' || n),
         '2009-06-01T00:00:00Z'::timestamptz + $2::int * interval '1 day' + n * interval '1 ms', 'chat', $1, 'sess_' || md5(n::text), 'openai', false, 'completed', 'gpt-4o-mini'
       from generate_series($3::int, $4::int) n`,
      [busy.id, round, first, last],
    );
  await insertMany(1, 1, 15_000);
  await foldUsage(client);
  await insertMany(2, 501, 600);
  await owner.query('begin');
  await owner.query('select chaperone.fold_some_usage_of($1, true, null)', [busy.id]);
  const { rows } = await owner.query<{ table: string; read: number }>(
    `select relname as table, sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as read
     from pg_stat_xact_user_tables
     where schemaname = 'chaperone' and relname in ('sessions', 'session_facets') group by 1 order by 1`,
  );
  await owner.query('rollback');
  // Sessions once to be read, and once to be changed. A session has one facet: its model.
  assert.deepEqual(rows, [
    { table: 'session_facets', read: 100 },
    { table: 'sessions', read: 200 },
  ]);
});

test('a tenant cannot make a session that a fold would fail on', async () => {
  const insertSession = `insert into chaperone.sessions (organization_id, user_id, session_id, started_at, last_request_at,
    first_call_at, last_call_at) values ($1, $1, 's', now(), now(), '-infinity', now())`;
  await assert.rejects(db.query(insertSession, [tenant.id]), { code: '42501' });
  await assert.rejects(db.query(`update chaperone.sessions set started_at = 'infinity'`), { code: '42501' });
});
