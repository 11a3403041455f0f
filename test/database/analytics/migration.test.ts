import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from 'pg';
import { foldUsage } from '../../../database/analytics/fold.ts';
import { userIdOf } from '../../../database/ids.ts';
import { migrate } from '../../../database/migrate.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { makeTestDatabase } from '../../database.ts';
import { makeFormerDatabase, makeFormerTenant } from '../../former-database.ts';
import { makeRecord } from '../../request-record.ts';
import { atEnd } from '../../scope.ts';
import { connect } from '../tenant.ts';

const organizationId = '5d0a3c53-3a0e-4f4c-9e0b-0d3f0f4a7c11';
const personaId = '0d0f6d1e-7a43-4f07-8a0f-0f6f3a5c1a01';
const migrations = join(import.meta.dirname, '../../../database/migrations');

test('existing calls are added to the sums, and ratings get their users', async (t) => {
  const database = await makeTestDatabase();
  const owner = new Client({ connectionString: database.url });
  await owner.connect();
  atEnd(t, async () => {
    await owner.end();
    await database.close();
  });
  await owner.query('drop schema chaperone cascade');
  const earlier = await mkdtemp(join(tmpdir(), 'chaperone-migrations-'));
  atEnd(t, () => rm(earlier, { recursive: true }));
  for (const name of await readdir(migrations)) {
    if (name < '000004') await copyFile(join(migrations, name), join(earlier, name));
  }
  await migrate(database.url, earlier);

  const records = Array.from({ length: 50 }, (_, index) =>
    makeRecord(organizationId, {
      started_at: new Date(Date.UTC(2026, 5, 1, index)).toISOString(),
      session_id: `s${index % 3}`,
      persona_id: personaId,
      total_tokens: 100,
      cost_usd: '0.000000000001',
    }),
  );
  for (const { user_external_id: _, ...columns } of records) {
    await owner.query(
      `insert into chaperone.requests
       select (json_populate_record(null::chaperone.requests, $1::json)).*`,
      [JSON.stringify({ organization_id: organizationId, ...columns })],
    );
  }
  const [rated] = records;
  assert.ok(rated);
  await owner.query(
    `insert into chaperone.ratings (organization_id, request_id, rating, rated_at) values ($1, $2, 1, now())`,
    [organizationId, rated.request_id],
  );
  await migrate(database.url);

  const read = async (sql: string) => (await owner.query({ text: sql, rowMode: 'array' })).rows;
  assert.deepEqual(
    await read(`select grain, sum(completed_count)::int, sum(total_tokens)::int, sum(cost_usd)::text, count(distinct day)::int
      from chaperone.daily_usage group by grain order by grain`),
    ['both', 'persona', 'user'].map((grain) => [grain, 50, 5_000, '0.000000000050', 3]),
  );
  assert.deepEqual(
    await read(`select grain, week::text, sum(completed_count)::int, count(distinct last_request_at)::int
      from chaperone.weekly_usage group by grain, week order by grain, week`),
    ['both', 'persona', 'user'].map((grain) => [grain, '2026-06-01', 50, 1]),
  );
  assert.deepEqual(
    await read(`select sum(session_count)::int, sum(duration_ms)::int / 3600000 from chaperone.session_spans`),
    // Each of the three begins an hour after the last one, and has a call every three hours.
    [[3, 48 + 48 + 45]],
  );
  assert.deepEqual(
    await read(`select facet, sum(session_count)::int, sum(duration_ms)::int / 3600000 from chaperone.facet_spans
      group by facet order by facet`),
    ['model:gpt-4o', 'model:gpt-4o-2024-08-06', `persona:${personaId}`].map((facet) => [facet, 3, 48 + 48 + 45]),
  );
  assert.deepEqual(
    await read(`select session_id, count(*)::int, count(distinct first_call_at)::int,
        min(first_call_day)::text, max(last_call_day)::text
      from chaperone.session_facets group by session_id order by session_id`),
    [
      ['s0', 3, 1, '2026-06-01', '2026-06-03'],
      ['s1', 3, 1, '2026-06-01', '2026-06-03'],
      ['s2', 3, 1, '2026-06-01', '2026-06-02'],
    ],
  );
  assert.deepEqual(await read('select count(*)::int from chaperone.unfolded_usage'), [[0]]);
  assert.deepEqual(await read('select user_id from chaperone.ratings'), [[rated.user_id]]);
});

test('calls that were unpriced by the former rule are so by the present one, in every sum, and nothing else changes', async (t) => {
  const { url, owner } = await makeFormerDatabase(t, '000022.sql');
  const tenant = await makeFormerTenant(owner, url, 'acme');
  const db = await connect(t, tenant.url);
  const changes: readonly Partial<RequestRecord>[] = [
    {},
    { operation: 'moderations', total_tokens: null, cost_usd: null },
    { operation: 'moderations', total_tokens: 5, cost_usd: null },
    { operation: 'moderations', total_tokens: null, cost_usd: null, kind: 'analysis', persona_id: personaId },
    { operation: 'speech', status: 'cancelled', total_tokens: null, cost_usd: null, characters: 7 },
    { operation: 'image_generations', status: 'failed', total_tokens: null, cost_usd: null, images: 1 },
    { operation: 'transcriptions', total_tokens: null, cost_usd: null, audio_seconds: 3 },
    { operation: 'responses', cost_usd: null },
    { operation: 'responses', status: 'failed', total_tokens: null, cost_usd: null },
  ];
  const records = Array.from({ length: 90 }, (_, index) =>
    makeRecord(tenant.id, {
      started_at: new Date(Date.UTC(2026, 5, 1, index * 7)).toISOString(),
      session_id: `s${index % 4}`,
      user_id: userIdOf(tenant.id, `user ${index % 5}`),
      ...changes[index % changes.length],
    }),
  );
  /** As a proxy of that version did. */
  const insert = (former: readonly RequestRecord[]) =>
    owner.query('insert into chaperone.requests select * from json_populate_recordset(null::chaperone.requests, $1)', [
      JSON.stringify(former.map((record) => ({ organization_id: tenant.id, ...record }))),
    ]);
  await insert(records.slice(0, 80));
  await foldUsage(db);
  // Not folded yet when the operator migrates.
  await insert(records.slice(80));
  const read = async () => {
    const tables = [];
    for (const table of ['daily_usage', 'weekly_usage', 'session_usage']) {
      const { rows } = await owner.query<{ row: string }>(`select u::text as row from chaperone.${table} u order by 1`);
      tables.push(rows.map(({ row }) => row));
    }
    return tables;
  };

  await migrate(url);
  await foldUsage(db);
  const migrated = await read();
  await owner.query(`truncate chaperone.daily_usage, chaperone.weekly_usage, chaperone.session_usage, chaperone.sessions,
    chaperone.session_spans, chaperone.facet_spans, chaperone.session_facets`);
  await owner.query(
    `insert into chaperone.unfolded_usage (organization_id, started_at, request_id)
     select organization_id, array_agg(started_at), array_agg(request_id) from chaperone.requests group by 1`,
  );
  await foldUsage(db);
  assert.deepEqual(migrated, await read());
  const { rows } = await owner.query(
    `select sum(unpriced_count)::int as count from chaperone.daily_usage where grain = 'user'`,
  );
  assert.deepEqual(rows, [{ count: 50 }]);
});
