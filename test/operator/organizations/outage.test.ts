import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pool } from 'pg';
import { makeDirectoryCluster } from '../../../operator/cluster/directory.ts';
import { makeOrganizationOutageReport, makeOrganizationReconciler } from '../../../operator/organizations/reconcile.ts';
import { withOutages } from '../../../operator/outages.ts';
import { makeTestDatabase } from '../../database.ts';
import { startRelay, viaPort } from '../../tcp-relay.ts';
import { copyQuickstart, makeDirectory } from '../../up/start-up.ts';

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
  t.after(async () => {
    await cluster.close();
    await db.end();
    await database.close();
  });
  await cluster.start();
  const operatorNamespace = 'chaperone-system';
  const context = { cluster, db, operatorNamespace, proxyDatabaseUrl: database.url, now: Date.now };
  let looks = 0;
  const health = { outage: () => undefined, look: () => void looks++ };
  const report = makeOrganizationOutageReport(context);
  const reconcile = withOutages(makeOrganizationReconciler(context), report, health);
  const conditions = () =>
    cluster
      .get('Organization', '', 'acme')
      ?.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)
      .sort();
  const id = () => cluster.get('Organization', '', 'acme')?.status?.id;

  await reconcile('acme');
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
  await assert.rejects(() => reconcile('acme'));
  assert.deepEqual(conditions(), [
    'CredentialsReady=True Issued',
    'DatabaseReady=False DatabaseUnavailable',
    'NamespacesExclusive=True Exclusive',
    'Ready=False DatabaseUnavailable',
    'SharingDeclared=True Declared',
  ]);
  assert.ok(known !== undefined && id() === known);
  assert.equal(looks, 1);
  await relay.open();
  await reconcile('acme');
  assert.deepEqual(conditions(), ready);
});
