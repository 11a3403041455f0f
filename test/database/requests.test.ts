import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { joinSealed } from '../../database/contents.ts';
import { keptIdDigest, makeRequestId, nobody, requestStartedAtMs, userIdOf } from '../../database/ids.ts';
import { insertNewRequests, insertRequests } from '../../database/insert-requests.ts';
import type { Queryable } from '../../database/queryable.ts';
import { type BatchForm, gatherRequests } from '../../database/request-batches.ts';
import {
  ensureRequestPartitions,
  findRequestById,
  findRequestByKeptId,
  findRequestByResponseId,
  findRequestContents,
  type RequestRecord,
} from '../../database/requests.ts';
import { propertyRuns } from '../property-runs.ts';
import { makeRecord } from '../request-record.ts';
import { suiteScope } from '../scope.ts';
import { batchOf } from './batch.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
/** The organization's own connection: what a proxy may do is what is tested. */
let db: Queryable;
let tenant: Tenant;

before(async () => {
  database = await openDatabase(scope);
  tenant = await makeTenant(database);
  db = await connect(scope, tenant.url);
});

function insert(
  organizationId: string,
  records: readonly RequestRecord[],
  by: Queryable = db,
  sealed?: (record: RequestRecord) => string,
  form?: BatchForm,
): Promise<void> {
  return insertNewRequests(by, organizationId, batchOf(records, sealed, form));
}

async function readAll(organizationId: string) {
  await database.owner.query('select chaperone.fold_usage_of($1::uuid, true)', [organizationId]);
  const read = async (sql: string) => (await database.owner.query(sql, [organizationId])).rows;
  return {
    requests: await read(
      `select *, cost_usd::text from chaperone.requests where organization_id = $1 order by request_id`,
    ),
    contents: await read('select * from chaperone.request_contents where organization_id = $1 order by request_id'),
    users: await read(
      'select user_id, external_id from chaperone.users where organization_id = $1 order by external_id',
    ),
    sessions: await read(
      'select user_id, session_id, started_at, last_request_at from chaperone.sessions where organization_id = $1 order by user_id, session_id',
    ),
  };
}

for (const form of ['lines', 'json'] as const) {
  test(`a record is stored as it is, from ${form}`, async () => {
    const tenant = await makeTenant(database);
    const db = await connect(scope, tenant.url);
    const record = makeRecord(tenant.id, {
      turn_id: 'turn',
      namespace: 'shop',
      workload: 'checkout',
      persona_id: '6f1f0a5e-2f0b-5d59-9df3-1f6a1c0b7a10',
      cost_usd: '1234567.123456789012',
      response_id: 'resp_stored',
      total_tokens: 2 ** 39,
      input_audio_tokens: 1,
      input_image_tokens: 2,
      cached_audio_tokens: 6,
      cached_image_tokens: 7,
      output_audio_tokens: 3,
      output_image_tokens: 4,
      images: 5,
      image_size: '1024x1024',
      image_quality: 'hd',
      audio_seconds: 90.25,
      characters: 4096,
      kept_ids: [keptIdDigest('msg_0'), '-9223372036854775808'],
      guardrail_hits: ['customer-data'],
      model_alias: 'fast',
      optimization_level: 'speed',
      service: 'tts',
      language: 'hi-IN',
      cache_status: 'hit',
      avoided_cost_usd: '0.000225000000',
      cache_savings_usd: '0.000112500000',
      attempts: [
        {
          provider: 'spare',
          api_key_id: '6f1f0a5e-2f0b-5d59-9df3-1f6a1c0b7a10',
          kind: 'rate_limited',
          reason: 'rate_limit_exceeded',
          http_status: 429,
          duration_ms: 3,
        },
      ],
      client_name: 'OpenAI/JS',
      client_version: '7.57.0',
      safety_identifier: 'hashed',
      end_user: 'customer',
      conversation_id: '6f1f0a5e-2f0b-8d59-9df3-1f6a1c0b7a10',
      branch_id: 'branch-0123abcd',
      message_digest: 2 ** 52 - 1,
      parent_digest: 1,
      new_messages: 2,
    });
    await insertRequests(
      db,
      tenant.id,
      batchOf([record], () => 'said', form),
    );
    const { requests, contents, users, sessions } = await readAll(tenant.id);
    const { user_external_id: _, ...columns } = record;
    assert.deepEqual(requests, [
      {
        ...columns,
        organization_id: tenant.id,
        started_at: new Date(record.started_at),
        input_tokens: '10',
        cached_input_tokens: '0',
        cache_write_tokens: '0',
        output_tokens: '20',
        reasoning_tokens: '0',
        total_tokens: '549755813888',
        input_audio_tokens: '1',
        input_image_tokens: '2',
        cached_audio_tokens: '6',
        cached_image_tokens: '7',
        output_audio_tokens: '3',
        output_image_tokens: '4',
        audio_seconds: '90.250',
        characters: '4096',
        message_digest: String(2 ** 52 - 1),
        parent_digest: '1',
      },
    ]);
    assert.deepEqual(
      contents.map(({ contents_encrypted, input_encrypted, output_encrypted }) => [
        String(contents_encrypted),
        input_encrypted,
        output_encrypted,
      ]),
      [['said', null, null]],
    );
    assert.deepEqual(users, [{ user_id: record.user_id, external_id: 'ada' }]);
    const at = new Date(record.started_at);
    assert.deepEqual(sessions, [
      { user_id: record.user_id, session_id: 'sess_1', started_at: at, last_request_at: at },
    ]);
  });
}

test('records make the same rows in any batches, in any order, and when repeated', async () => {
  const drawn = fc.record({
    user: fc.constantFrom('ada', 'bob', null),
    session: fc.constantFrom('s1', 's2'),
    second: fc.integer({ min: 0, max: 50 }),
    sealed: fc.boolean(),
  });
  const plan = fc
    .array(drawn, { minLength: 1, maxLength: 6 })
    .chain((calls) =>
      fc.tuple(
        fc.constant(calls),
        fc.array(fc.array(fc.nat(calls.length - 1), { minLength: 1, maxLength: 6 }), { maxLength: 4 }),
      ),
    );
  await fc.assert(
    fc.asyncProperty(plan, async ([calls, batches]) => {
      const [once, often] = [await makeTenant(database), await makeTenant(database)];
      const sealedIds = new Set<string>();
      const sealed = ({ request_id }: RequestRecord) => (sealedIds.has(request_id) ? request_id : '');
      const records = calls.map(({ user, session, second }) =>
        makeRecord(once.id, {
          started_at: new Date(Date.UTC(2026, 8, 1, 0, 0, second)).toISOString(),
          user_id: user === null ? nobody : userIdOf(once.id, user),
          user_external_id: user,
          session_id: session,
        }),
      );
      for (const [index, { request_id }] of records.entries()) if (calls[index]?.sealed) sealedIds.add(request_id);
      await insert(once.id, records, database.owner, sealed);
      for (const [number, batch] of batches.entries()) {
        const some = [...new Set(batch)].flatMap((index) => records[index] ?? []);
        await insert(often.id, some, database.owner, sealed, number % 2 === 0 ? 'lines' : 'json');
      }
      await insert(often.id, records.toReversed(), database.owner, sealed);
      const withoutOrganization = (rows: Record<string, unknown>[]) =>
        rows.map(({ organization_id: _, ...row }) => row);
      const [expected, actual] = [await readAll(once.id), await readAll(often.id)];
      for (const table of ['requests', 'contents', 'users', 'sessions'] as const) {
        assert.deepEqual(withoutOrganization(actual[table]), withoutOrganization(expected[table]), table);
      }
      const times = records
        .filter(({ session_id }) => session_id === 's1')
        .map(({ started_at }) => Date.parse(started_at));
      const sessions = actual.sessions.filter(({ session_id }) => session_id === 's1');
      assert.equal(Math.max(...sessions.map(({ last_request_at }) => last_request_at.getTime())), Math.max(...times));
      assert.equal(actual.requests.length, records.length);
    }),
    { numRuns: propertyRuns(15) },
  );
});

test('an existing record stays as it was first written', async () => {
  const record = makeRecord(tenant.id, { total_tokens: 1 });
  await insert(tenant.id, [record]);
  await insert(tenant.id, [{ ...record, total_tokens: 2, status: 'failed' }]);
  const { requests } = await readAll(tenant.id);
  const stored = requests.find(({ request_id }) => request_id === record.request_id);
  assert.deepEqual([stored?.total_tokens, stored?.status], ['1', 'completed']);
});

test('a call without a user makes a session but no user', async () => {
  const other = await makeTenant(database);
  await insert(other.id, [makeRecord(other.id, { user_id: nobody, user_external_id: null })], database.owner);
  const { users, sessions } = await readAll(other.id);
  assert.deepEqual([users, sessions.map(({ user_id }) => user_id)], [[], [nobody]]);
});

test('a request is found by either id, only near its own time', async () => {
  const early = makeRecord(tenant.id, {
    started_at: '2026-09-01T00:00:00.000Z',
    response_id: 'resp_twice',
    conversation_id: '6f1f0a5e-2f0b-8d59-9df3-1f6a1c0b7a11',
    branch_id: 'main',
    message_digest: 2 ** 52 - 1,
  });
  const late = makeRecord(tenant.id, { started_at: '2026-10-01T00:00:00.000Z', response_id: 'resp_twice' });
  await insert(tenant.id, [late, early]);
  const reference = (record: RequestRecord) => ({
    requestId: record.request_id,
    responseId: record.response_id,
    userId: record.user_id,
    sessionId: record.session_id,
    apiKeyId: record.api_key_id,
    place: record.conversation_id
      ? { conversationId: record.conversation_id, branchId: 'main', messageDigest: 2 ** 52 - 1 }
      : null,
  });
  const startedAtMs = requestStartedAtMs(early.request_id) ?? 0;
  assert.deepEqual(await findRequestById(db, tenant.id, early.request_id, startedAtMs), reference(early));
  assert.equal(await findRequestById(db, tenant.id, early.request_id, startedAtMs + 1), undefined);
  assert.equal(await findRequestById(db, tenant.id, makeRequestId(startedAtMs), startedAtMs), undefined);
  assert.deepEqual(await findRequestByResponseId(db, tenant.id, 'resp_twice'), reference(late));
  assert.equal(await findRequestByResponseId(db, tenant.id, 'resp_none'), undefined);
});

test('a request is found by each part of its answer, in its own organization', async () => {
  const record = makeRecord(tenant.id, { kept_ids: ['msg_1', 'rs_1'].map(keptIdDigest) });
  await insert(tenant.id, [record]);
  for (const id of ['msg_1', 'rs_1']) {
    assert.equal((await findRequestByKeptId(db, tenant.id, id))?.requestId, record.request_id);
  }
  assert.equal(await findRequestByKeptId(db, tenant.id, 'msg_2'), undefined);
  const other = await makeTenant(database);
  assert.equal(await findRequestByKeptId(database.owner, other.id, 'rs_1'), undefined);
});

async function partitionsOf(parent: string): Promise<string[]> {
  const { rows } = await database.owner.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = ('chaperone.' || $1)::regclass order by c.relname`,
    [parent],
  );
  return rows.map(({ name }) => name);
}

const dayMs = 24 * 3_600_000;

test('the partitions of a month are made once, however often and by how many processes', async () => {
  const at = new Date(Date.now() - 100 * dayMs);
  const before = await partitionsOf('requests');
  const others = await Promise.all(Array.from({ length: 4 }, () => connect(scope, database.url)));
  await Promise.all(others.map((other) => ensureRequestPartitions(other, at)));
  const month = at.toISOString().slice(0, 7).replace('-', '_');
  assert.deepEqual(await partitionsOf('requests'), [...new Set([...before, `requests_${month}`])].sort());
  assert.ok((await partitionsOf('request_contents')).includes(`request_contents_${month}`));
});

test('the first and the last instant of a month are in its partition', async () => {
  const now = new Date();
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 2, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 1) - 1);
  await ensureRequestPartitions(database.owner, new Date(first.getTime() + 10 * dayMs));
  const records = [first, last].map((at) => makeRecord(tenant.id, { started_at: at.toISOString() }));
  await insert(tenant.id, records);
  const partition = `requests_${first.toISOString().slice(0, 7).replace('-', '_')}`;
  const { rowCount } = await database.owner.query(`select 1 from chaperone.${partition} where request_id = any ($1)`, [
    records.map(({ request_id }) => request_id),
  ]);
  assert.equal(rowCount, 2);
});

test('implausible times make no partition, and their records are kept', async () => {
  const before = await partitionsOf('requests');
  const records = ['1970-01-01', '2010-06-01', '9000-01-01'].map((day) =>
    makeRecord(tenant.id, { started_at: `${day}T00:00:00.000Z` }),
  );
  for (const { started_at } of records) await ensureRequestPartitions(database.owner, new Date(started_at));
  await insert(tenant.id, records);
  assert.deepEqual(await partitionsOf('requests'), before);
  const { rowCount } = await database.owner.query(
    'select 1 from chaperone.requests_default where request_id = any ($1)',
    [records.map(({ request_id }) => request_id)],
  );
  assert.equal(rowCount, 3);
});

test('records that came before their month’s partition move into it', async () => {
  const at = new Date(Date.now() + 60 * dayMs);
  const month = at.toISOString().slice(0, 7).replace('-', '_');
  const hasty = makeRecord(tenant.id, { started_at: at.toISOString() });
  const strayed = makeRecord(tenant.id, { started_at: '2010-06-02T00:00:00.000Z' });
  await insert(tenant.id, [hasty, strayed], db, () => 'said');
  await ensureRequestPartitions(database.owner, at);
  for (const table of ['requests', 'request_contents']) {
    const { rows } = await database.owner.query<{ place: string }>(
      `select c.relname as place from chaperone.${table} r join pg_class c on c.oid = r.tableoid where request_id = $1`,
      [hasty.request_id],
    );
    assert.deepEqual(rows, [{ place: `${table}_${month}` }]);
  }
  const found = await findRequestById(db, tenant.id, strayed.request_id, Date.parse(strayed.started_at));
  assert.equal(found?.requestId, strayed.request_id);
  await insert(tenant.id, [hasty]);
  const { rowCount } = await database.owner.query('select 1 from chaperone.requests where request_id = $1', [
    hasty.request_id,
  ]);
  assert.equal(rowCount, 1);
});

test('a partition has the row security and the indexes of its table', async () => {
  const { rows } = await database.owner.query(
    `select c.relname, c.relrowsecurity, count(x.indexrelid)::int as indexes,
       (select count(*)::int from pg_index x where x.indrelid = i.inhparent) as expected
     from pg_inherits i join pg_class c on c.oid = i.inhrelid left join pg_index x on x.indrelid = c.oid
     where i.inhparent = 'chaperone.requests'::regclass group by 1, 2, i.inhparent`,
  );
  assert.ok(rows.length > 1);
  for (const { relname, relrowsecurity, indexes, expected } of rows) {
    assert.ok(expected > 0);
    assert.deepEqual([relname, relrowsecurity, indexes], [relname, true, expected]);
  }
});

test('contents are found as this version and as earlier ones stored them', async () => {
  const [both, former, formerInput, none] = [1, 2, 3, 4].map(() => makeRecord(tenant.id));
  assert.ok(both && former && formerInput && none);
  await insert(tenant.id, [both], db, () => 'said');
  await insert(tenant.id, [former, formerInput, none]);
  const insertFormer = (record: RequestRecord, input: string, output: string | null) =>
    db.query(
      `insert into chaperone.request_contents (organization_id, request_id, started_at, input_encrypted, output_encrypted)
       values ($1, $2, $3, $4, $5)`,
      [tenant.id, record.request_id, record.started_at, Buffer.from(input), output && Buffer.from(output)],
    );
  await insertFormer(former, 'in', 'out');
  await insertFormer(formerInput, 'in', null);
  const find = async ({ request_id, started_at }: RequestRecord) => {
    const found = await findRequestContents(db, tenant.id, request_id, Date.parse(started_at));
    return found?.sealed && Buffer.from(found.sealed);
  };
  assert.deepEqual(await find(both), Buffer.from('said'));
  assert.deepEqual(await find(former), joinSealed(Buffer.from('in'), Buffer.from('out')));
  assert.deepEqual(await find(formerInput), joinSealed(Buffer.from('in'), undefined));
  assert.equal(await find(none), null);
});

test('a batch has its rows unchanged, with the position of each one’s contents', () => {
  const rows = [
    { row: Buffer.from('{"a":"é"}'), sealed: Buffer.from('12') },
    { row: Buffer.from('{"b":{}}'), sealed: Buffer.alloc(0) },
    { row: Buffer.from('{"c":1}'), sealed: Buffer.from('345') },
  ];
  const gatherer = gatherRequests('json', rows);
  gatherer.add(rows.slice(0, 1));
  gatherer.add(rows.slice(1));
  const { records, contents } = gatherer.finish();
  assert.equal(
    String(records),
    '[{"a":"é","contents_at":1,"contents_length":2},{"b":{}},{"c":1,"contents_at":3,"contents_length":3}]',
  );
  assert.equal(String(contents), '12345');
  const empty = gatherRequests('lines', []).finish();
  assert.deepEqual([String(empty.records), empty.contents.length], ['{}', 0]);
});
