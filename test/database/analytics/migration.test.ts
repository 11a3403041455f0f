import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from 'pg';
import { migrate } from '../../../database/migrate.ts';
import { makeTestDatabase } from '../../database.ts';
import { makeRecord } from '../../request-record.ts';

const organizationId = '5d0a3c53-3a0e-4f4c-9e0b-0d3f0f4a7c11';
const personaId = '0d0f6d1e-7a43-4f07-8a0f-0f6f3a5c1a01';
const migrations = join(import.meta.dirname, '../../../database/migrations');

test('calls that were there before are added up, and ratings find their users', async (t) => {
  const database = await makeTestDatabase();
  const owner = new Client({ connectionString: database.url });
  await owner.connect();
  t.after(async () => {
    await owner.end();
    await database.close();
  });
  await owner.query('drop schema chaperone cascade');
  const earlier = await mkdtemp(join(tmpdir(), 'chaperone-migrations-'));
  t.after(() => rm(earlier, { recursive: true }));
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
  for (const { user_external_id: _, input_sealed: __, output_sealed: ___, ...columns } of records) {
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
