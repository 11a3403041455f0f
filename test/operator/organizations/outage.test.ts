import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pool } from 'pg';
import { makeTransact } from '../../../database/transaction.ts';
import { ClusterError } from '../../../operator/cluster/cluster-error.ts';
import { makeDirectoryCluster } from '../../../operator/cluster/directory.ts';
import { pathOf } from '../../../operator/cluster/object-key.ts';
import {
  makeOrganizationFailureReport,
  makeOrganizationReconciler,
} from '../../../operator/organizations/reconcile.ts';
import { withOutages } from '../../../operator/outages.ts';
import { WaitingError } from '../../../operator/runtime/controller.ts';
import { makeTestDatabase } from '../../database.ts';
import { copyQuickstart, makeDirectory } from '../../directories.ts';
import { atEnd } from '../../scope.ts';
import { startRelay, viaPort } from '../../tcp-relay.ts';
import { keyOf } from '../memory-cluster.ts';

const acme = pathOf({ name: 'acme' });

test('an organization whose database is away says so, keeps its id, and is ready again with it', async (t) => {
  const database = await makeTestDatabase();
  const relay = await startRelay(t, Number(new URL(database.url).port));
  const db = new Pool({ connectionString: viaPort(database.url, relay.port) });
  db.on('error', () => {});
  const cluster = makeDirectoryCluster({
    directory: await copyQuickstart(t),
    stateDirectory: await makeDirectory(t),
    environment: {},
    onProblem: (problem) => assert.fail(problem.reason),
  });
  atEnd(t, async () => {
    await cluster.close();
    await db.end();
    await database.close();
  });
  await cluster.start();
  const operatorNamespace = 'chaperone-system';
  const context = {
    cluster,
    db,
    transact: makeTransact(db),
    operatorNamespace,
    proxyDatabaseUrl: database.url,
    now: Date.now,
  };
  let probes = 0;
  const health = { outage: () => undefined, probeNow: () => void probes++ };
  const report = makeOrganizationFailureReport(context);
  const reconcile = withOutages(makeOrganizationReconciler(context), report, health);
  const conditions = () =>
    cluster
      .get('Organization', '', 'acme')
      ?.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)
      .sort();
  const id = () => cluster.get('Organization', '', 'acme')?.status?.id;

  await reconcile(acme);
  const ready = [
    'CredentialsReady=True Issued',
    'DatabaseReady=True Stored',
    'NamespacesExclusive=True Exclusive',
    'Ready=True Ready',
    'SharingDeclared=True Declared',
  ];
  assert.deepEqual(conditions(), ready);
  const known = id();
  await relay.close();
  await assert.rejects(() => reconcile(acme));
  assert.deepEqual(conditions(), [
    'CredentialsReady=True Issued',
    'DatabaseReady=False DatabaseUnavailable',
    'NamespacesExclusive=True Exclusive',
    'Ready=False DatabaseUnavailable',
    'SharingDeclared=True Declared',
  ]);
  assert.ok(known !== undefined && id() === known);
  assert.equal(probes, 1);
  await relay.open();
  await reconcile(acme);
  assert.deepEqual(conditions(), ready);
});

test('a known outage is reported on each object, and nothing is attempted', async () => {
  const told: string[] = [];
  const outage = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { syscall: 'connect' });
  const reconcile = withOutages(
    () => assert.fail('attempted'),
    async (key, kind, cause) => void told.push(`${kind} of ${key}: ${cause}`),
    { outage: () => outage, probeNow: () => assert.fail('it is known') },
  );
  await assert.rejects(() => reconcile(acme), WaitingError);
  assert.deepEqual(told, ['outage of acme: connect ECONNREFUSED 127.0.0.1:5432']);
});

test('a repeated failure for another reason is reported on the object until it works', async () => {
  const told: string[] = [];
  let error: unknown = new Error('permission denied for table organizations');
  const reconcile = withOutages(
    async () => {
      if (error) throw error;
      return {};
    },
    async (key, kind, cause) => void told.push(`${kind} of ${key}: ${cause}`),
    { outage: () => undefined, probeNow: () => assert.fail('it is no outage') },
  );
  const fail = () => assert.rejects(() => reconcile(acme));
  await fail();
  assert.deepEqual(told, [], 'it may be over by the next try');
  await fail();
  assert.deepEqual(told, ['failure of acme: permission denied for table organizations']);
  error = new ClusterError('stale', keyOf('Organization', 'acme'), 'the cache is behind');
  await fail();
  assert.equal(told.length, 1, 'the API server is no concern of a status');
  error = undefined;
  await reconcile(acme);
  error = new Error('deadlock detected');
  await fail();
  assert.equal(told.length, 1);
});
