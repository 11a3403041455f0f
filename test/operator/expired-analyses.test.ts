import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { insertAnalysisResult } from '../../database/analysis-results.ts';
import { makeDirectoryCluster } from '../../operator/cluster/directory.ts';
import { startOperator } from '../../operator/operator.ts';
import { makeTenant, openDatabase } from '../database/tenant.ts';
import { copyQuickstart, makeDirectory } from '../directories.ts';
import { until } from '../until.ts';

test('an operator deletes results of analyses that are too old where no worker does', async (t) => {
  const database = await openDatabase(t);
  const tenant = await makeTenant(database);
  const insert = async (text: string, age: string) => {
    const cacheKey = Buffer.from(text);
    await insertAnalysisResult(
      database.owner,
      {
        organizationId: tenant.id,
        cacheKey,
        resultSealed: cacheKey,
        analysisConfigId: null,
        requestId: 'req_1',
        userId: randomUUID(),
      },
      1,
    );
    await database.owner.query(
      'update chaperone.analysis_results set created_at = now() - $2::interval where cache_key = $1',
      [cacheKey, age],
    );
  };
  const kept = async () => {
    const { rows } = await database.owner.query<{ key: Buffer }>(
      'select cache_key as key from chaperone.analysis_results order by cache_key',
    );
    return rows.map(({ key }) => String(key));
  };
  await insert('young', '29 days');
  await insert('old', '31 days');
  const [directory, stateDirectory] = [await copyQuickstart(t), await makeDirectory(t)];
  const cluster = makeDirectoryCluster({ directory, stateDirectory, environment: {}, onProblem: () => {} });
  await cluster.start();
  const operator = await startOperator({
    cluster,
    databaseUrl: database.url,
    resyncMs: 100,
    log: pino({ level: 'silent' }),
  });
  try {
    await until(async () => (await kept()).join() === 'young', 'what is old to go');
    await insert('older', '40 days');
    await until(async () => (await kept()).join() === 'young', 'what has become old to go');
    // A worker that is alive for ever.
    await database.owner.query(`insert into chaperone.workers (worker_id, beat_at) values ('w', '2100-01-01')`);
    await insert('oldest', '50 days');
    await delay(1_000);
    assert.equal((await kept()).join(), 'oldest,young', 'a worker would delete it');
    await database.owner.query('delete from chaperone.workers');
    await until(async () => (await kept()).join() === 'young', 'the operator to take over');
  } finally {
    await operator.stop();
    await cluster.close();
  }
  assert.deepEqual(await kept(), ['young']);
});
