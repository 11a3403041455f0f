import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Client } from 'pg';
import { pino } from 'pino';
import { scramVerifier } from '../../database/roles.ts';
import { makeDirectoryCluster } from '../../operator/cluster/directory.ts';
import { startOperator } from '../../operator/operator.ts';
import { openDatabase } from '../database/tenant.ts';
import { copyQuickstart, makeDirectory } from '../directories.ts';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';

test('the login of workers gets its password back where somebody has changed it', async (t) => {
  const database = await openDatabase(t);
  const [directory, stateDirectory] = [await copyQuickstart(t), await makeDirectory(t)];
  const cluster = makeDirectoryCluster({ directory, stateDirectory, environment: {}, onProblem: () => {} });
  await cluster.start();
  atEnd(t, () => cluster.close());
  const log = pino({ level: 'silent' });
  const operator = await startOperator({ cluster, databaseUrl: database.url, isOneMachine: true, resyncMs: 200, log });
  atEnd(t, operator.stop);
  await operator.idle();
  const file = `${stateDirectory}/secrets/chaperone-system/chaperone.worker-0/database-url`;
  const url = (await readFile(file, 'utf8')).trim();
  const logsIn = async () => {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  };
  assert.ok(await logsIn());
  const role = database.owner.escapeIdentifier(new URL(url).username);
  const other = database.owner.escapeLiteral(scramVerifier('another password'));
  await database.owner.query(`alter role ${role} password ${other}`);
  await until(logsIn, 'the operator to restore it');
  assert.equal((await readFile(file, 'utf8')).trim(), url, 'workers need no new one');
});
