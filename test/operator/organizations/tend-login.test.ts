import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Client, Pool } from 'pg';
import { makeTransact } from '../../../database/transaction.ts';
import { makeDirectoryCluster } from '../../../operator/cluster/directory.ts';
import { pathOf } from '../../../operator/cluster/object-key.ts';
import { credentialsSecretName, operatorNamespace, readCredentialsSecret } from '../../../operator/credentials.ts';
import { makeServerLimitsReader } from '../../../operator/organizations/limits.ts';
import { makeLoginCheck } from '../../../operator/organizations/login.ts';
import { makeOrganizationReconciler } from '../../../operator/organizations/reconcile.ts';
import { connect, openDatabase } from '../../database/tenant.ts';
import { copyQuickstart, makeDirectory, replaceFile } from '../../directories.ts';
import { atEnd } from '../../scope.ts';
import { until } from '../../until.ts';

const acme = pathOf({ name: 'acme' });

/** The quickstart's organization, reconciled against a real database, at a time that the test sets. */
async function operate(t: TestContext) {
  const database = await openDatabase(t);
  const directory = await copyQuickstart(t);
  const stateDirectory = await makeDirectory(t);
  const cluster = makeDirectoryCluster({
    directory,
    stateDirectory,
    environment: {},
    onProblem: (problem) => assert.fail(problem.reason),
  });
  const db = new Pool({ connectionString: database.url });
  db.on('error', () => {});
  atEnd(t, async () => {
    await cluster.close();
    await db.end();
  });
  await cluster.start();
  const clock = { nowMs: Date.now() };
  const reconcile = makeOrganizationReconciler({
    ...{ cluster, db, transact: makeTransact(db), operatorNamespace },
    proxyDatabaseUrl: database.url,
    logins: makeLoginCheck(database.url, 0),
    serverLimits: makeServerLimitsReader(db, 0),
    now: () => clock.nowMs,
  });
  const file = join(directory, 'organization.yaml');
  const organization = () => cluster.get('Organization', '', 'acme');
  await reconcile(acme);
  return {
    ...{ database, cluster, clock, file, organization },
    reconcile: () => reconcile(acme),
    credentials() {
      const found = readCredentialsSecret(cluster.get('Secret', operatorNamespace, credentialsSecretName('acme')));
      assert.ok(found);
      return found;
    },
    async edit(from: string, to: string, isSeen: () => boolean) {
      await replaceFile(file, (await readFile(file, 'utf8')).replace(from, to));
      await until(async () => isSeen(), 'the edit to be seen');
    },
    async events() {
      const lines = await readFile(join(stateDirectory, 'events.jsonl'), 'utf8').catch(() => '');
      return lines
        .split('\n')
        .filter(Boolean)
        .map((line): string => JSON.parse(line).reason);
    },
  };
}

type Operated = Awaited<ReturnType<typeof operate>>;

/** As `kubectl annotate` does it. */
async function rotate({ clock, edit, organization, reconcile }: Operated) {
  clock.nowMs += 60_000;
  const at = new Date(clock.nowMs).toISOString();
  await edit(
    '  name: acme',
    `  name: acme\n  annotations: {chaperone.dev/rotate: "${at}"}`,
    () => organization()?.metadata.annotations?.['chaperone.dev/rotate'] === at,
  );
  return reconcile();
}

const isOpen = (client: Client) =>
  client.query('select 1').then(
    () => true,
    () => false,
  );

test('sessions from before a rotation end once every proxy has the new password, and not before', async (t) => {
  const operated = await operate(t);
  const old = await connect(t, operated.credentials().databaseUrl);
  const { requeueAfterMs } = await rotate(operated);
  assert.equal(requeueAfterMs, 300_000);
  const fresh = await connect(t, operated.credentials().databaseUrl);
  assert.deepEqual([await isOpen(old), await isOpen(fresh)], [true, true]);
  operated.clock.nowMs += 299_000;
  const { requeueAfterMs: soon } = await operated.reconcile();
  assert.ok(soon !== undefined && soon <= 2_000, `${soon}`);
  assert.equal(await isOpen(old), true);
  operated.clock.nowMs += 2_000;
  await operated.reconcile();
  assert.deepEqual([await isOpen(old), await isOpen(fresh)], [false, true]);
});

test('a session that changes the password is ended, the proxies’ password is restored, and an Event says so', async (t) => {
  const operated = await operate(t);
  const attacker = await connect(t, operated.credentials().databaseUrl);
  await rotate(operated);
  const { databaseUrl } = operated.credentials();
  await attacker.query(`alter role current_user password 'mine'`);
  const mine = Object.assign(new URL(databaseUrl), { password: 'mine' }).href;
  const again = await connect(t, mine);
  await operated.reconcile();
  assert.deepEqual([await isOpen(attacker), await isOpen(again)], [false, false]);
  assert.equal(operated.credentials().databaseUrl, databaseUrl);
  await connect(t, databaseUrl);
  await assert.rejects(() => new Client({ connectionString: mine }).connect(), { code: '28P01' });
  assert.ok((await operated.events()).includes('DatabasePasswordRestored'));
});

test('settings that a login gave itself are removed at the next look, and an Event says so', async (t) => {
  const operated = await operate(t);
  const { databaseUrl } = operated.credentials();
  const attacker = await connect(t, databaseUrl);
  await attacker.query('alter role current_user set default_transaction_read_only = on');
  assert.ok(!(await operated.events()).includes('DatabaseRoleRestored'));
  await operated.reconcile();
  assert.ok((await operated.events()).includes('DatabaseRoleRestored'));
  const proxy = await connect(t, databaseUrl);
  const { rows } = await proxy.query('show default_transaction_read_only');
  assert.deepEqual(rows, [{ default_transaction_read_only: 'off' }]);
});

test('every login has its limits once its organization is reconciled, and as many connections as the Organization says', async (t) => {
  const operated = await operate(t);
  const read = async () => {
    const { rows } = await operated.database.owner.query(
      `select rolconnlimit as limit, rolconfig as settings
       from pg_roles join chaperone.organization_roles on role_name = rolname`,
    );
    return rows;
  };
  const settings = [
    'search_path=chaperone',
    'statement_timeout=12s',
    'lock_timeout=10s',
    'idle_in_transaction_session_timeout=30s',
    'transaction_timeout=60s',
  ];
  assert.deepEqual(await read(), [{ limit: 20, settings }]);
  await operated.edit(
    'spec:',
    'spec:\n  database: {connections: 7}',
    () => operated.organization()?.spec.database?.connections === 7,
  );
  await operated.reconcile();
  assert.deepEqual(await read(), [{ limit: 7, settings }]);
  const limited = operated.organization()?.status?.conditions?.find(({ type }) => type === 'DatabaseLimited');
  assert.deepEqual([limited?.status, limited?.reason], ['True', 'Limited']);
});

test('a login that somebody else made is reported, and its organization is still enforced', async (t) => {
  const operated = await operate(t);
  const { superuserUrl } = operated.database;
  if (superuserUrl === undefined) return t.skip('the server is somebody else’s');
  const superuser = await connect(t, superuserUrl);
  const { username, password } = new URL(operated.credentials().databaseUrl);
  // As a server that was restored from a dump has it.
  await superuser.query(
    `drop role ${username}; create role ${username} login password '${password}'; grant chaperone_tenant to ${username}`,
  );
  await operated.reconcile();
  const conditions = operated.organization()?.status?.conditions ?? [];
  const limited = conditions.find(({ type }) => type === 'DatabaseLimited');
  assert.deepEqual([limited?.status, limited?.reason], ['False', 'LimitsRefused']);
  assert.match(limited?.message ?? '', /permission denied/);
  assert.equal(conditions.find(({ type }) => type === 'Ready')?.status, 'True');
  await superuser.query(`grant ${username} to chaperone with admin option`);
  await operated.reconcile();
  const now = operated.organization()?.status?.conditions?.find(({ type }) => type === 'DatabaseLimited');
  assert.equal(now?.status, 'True');
});

test('an organization can be deleted whatever its login has made', async (t) => {
  const operated = await operate(t);
  const { databaseUrl } = operated.credentials();
  const attacker = await connect(t, databaseUrl);
  await attacker.query('alter default privileges grant select on tables to public; select lo_create(0)');
  await operated.edit(
    'spec:',
    'spec:\n  deletionPolicy: Delete',
    () => operated.organization()?.spec.deletionPolicy === 'Delete',
  );
  await operated.reconcile();
  await rm(operated.file);
  await until(async () => operated.organization()?.metadata.deletionTimestamp !== undefined, 'the deletion');
  await operated.reconcile();
  assert.equal(operated.organization(), undefined);
  const { rowCount } = await operated.database.owner.query('select from pg_roles where rolname = $1', [
    new URL(databaseUrl).username,
  ]);
  assert.equal(rowCount, 0);
  assert.equal(await isOpen(attacker), false);
});
