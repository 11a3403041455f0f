import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type LiveGroup, readLive } from '../../../database/analytics/live.ts';
import { insertRequests } from '../../../database/insert-requests.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { makeRecord } from '../../request-record.ts';
import { suiteScope } from '../../scope.ts';
import { batchOf } from '../batch.ts';
import { makeTenant, type OwnedDatabase, openDatabase } from '../tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});

test('the calls that have ended in the window add up, by organization, workload and model', async () => {
  const tenant = await makeTenant(database);
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
  const record = (changes: Partial<RequestRecord>) => makeRecord(tenant.id, changes);
  await insertRequests(
    database.owner,
    tenant.id,
    batchOf([
      record({ started_at: ago(10), namespace: 'shop', workload: 'bot', duration_ms: 100, cost_usd: '0.5' }),
      record({
        started_at: ago(20),
        namespace: 'shop',
        workload: 'bot',
        duration_ms: 300,
        status: 'failed',
        cost_usd: null,
      }),
      record({
        started_at: ago(5),
        requested_model: 'gpt-4o-mini',
        duration_ms: 200,
        total_tokens: null,
        input_tokens: null,
      }),
      // It began before the window, and has ended in it.
      record({ started_at: ago(100), duration_ms: 90_000 }),
      // These have not.
      record({ started_at: ago(100), duration_ms: 10_000 }),
      record({ started_at: ago(3_600), duration_ms: 100 }),
    ]),
  );
  const rows = await readLive(database.owner, tenant.name, 60);
  const of = (by: LiveGroup) => rows.filter((row) => row.by === by).map(({ name, calls }) => [name, calls]);
  assert.deepEqual(of('total'), [['', 4]]);
  assert.deepEqual(of('organization'), [[tenant.name, 4]]);
  assert.deepEqual(of('workload'), [
    ['', 2],
    ['shop/bot', 2],
  ]);
  assert.deepEqual(of('model'), [
    ['gpt-4o', 3],
    ['gpt-4o-mini', 1],
  ]);
  const bot = rows.find(({ name }) => name === 'shop/bot');
  assert.deepEqual(bot, {
    ...{ by: 'workload', name: 'shop/bot', calls: 2, failed: 1, inputTokens: 20, outputTokens: 40, costUsd: 0.5 },
    ...{ p50Ms: 200, p95Ms: 290 },
  });
  assert.deepEqual(await readLive(database.owner, 'nobody', 60), []);
});
