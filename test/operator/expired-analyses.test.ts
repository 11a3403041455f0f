import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { pino } from 'pino';
import { insertAnalysisResult } from '../../database/analysis-results.ts';
import { makeDirectoryCluster } from '../../operator/cluster/directory.ts';
import { startOperator } from '../../operator/operator.ts';
import { makeTenant, openDatabase } from '../database/tenant.ts';
import { copyQuickstart, makeDirectory } from '../directories.ts';
import { until } from '../until.ts';

test('an operator keeps deleting results of analyses that are too old', async (t) => {
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
  } finally {
    await operator.stop();
    await cluster.close();
  }
  assert.deepEqual(await kept(), ['young']);
});
