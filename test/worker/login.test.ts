import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Client } from 'pg';
import { pino } from 'pino';
import { scramVerifier } from '../../database/roles.ts';
import { makeDirectoryCluster } from '../../operator/cluster/directory.ts';
import { startOperator } from '../../operator/operator.ts';
import { startWorker } from '../../worker/worker.ts';
import { connect, openDatabase } from '../database/tenant.ts';
import { copyQuickstart, makeDirectory, replaceFile } from '../directories.ts';
import { atEnd } from '../scope.ts';
import { startStack } from '../stack.ts';
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

test('a worker goes on with a new password, without a restart', async (t) => {
  const stack = await startStack(t);
  const credentialsDirectory = await makeDirectory(t);
  await cp(stack.workerCredentials, credentialsDirectory, { recursive: true, dereference: true });
  const file = `${credentialsDirectory}/database-url`;
  const url = new URL((await readFile(file, 'utf8')).trim());
  const worker = await startWorker({
    ...{ databaseUrl: url.href, credentialsDirectory, dataDirectory: await makeDirectory(t) },
    ...{ upstreamUrl: stack.upstreamUrl, metricsHost: '127.0.0.1', metricsPort: 0 },
    log: pino({ level: 'silent' }),
  });
  atEnd(t, worker.stop);
  let hasEnded = false;
  worker.ended.catch(() => {
    hasEnded = true;
  });
  const owner = await connect(t, stack.database.url);
  const role = url.username;
  const sessions = () => owner.query('select pid from pg_stat_activity where usename = $1', [role]);
  await until(async () => ((await sessions()).rowCount ?? 0) > 0, 'the worker to be connected');

  const password = owner.escapeLiteral(scramVerifier('a-new-password'));
  await owner.query(`alter role ${owner.escapeIdentifier(role)} password ${password}`);
  url.password = 'a-new-password';
  await replaceFile(file, url.href);
  // A login may end its own sessions.
  const itself = await connect(t, url.href);
  await itself.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and pid <> pg_backend_pid()',
    [role],
  );
  await itself.end();

  await owner.query(
    `insert into chaperone.revocations (organization_id, kind, subject, expires_at)
     select organization_id, 'token', 'old', now() - interval '1 minute' from chaperone.organizations`,
  );
  await owner.query("select graphile_worker.add_job('chore:past-rows')");
  await until(async () => {
    const { rows } = await owner.query('select from chaperone.revocations');
    return rows.length === 0;
  }, 'a chore with the new password');
  await until(async () => ((await sessions()).rowCount ?? 0) > 0, 'connections for further jobs');
  assert.equal(hasEnded, false);
});
