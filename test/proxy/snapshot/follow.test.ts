import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { upsertOrganization } from '../../../database/organizations.ts';
import { dropOrganizationRole, endOrganizationSessions, ensureOrganizationRole } from '../../../database/roles.ts';
import { type Follower, type FollowOptions, followSnapshot } from '../../../proxy/snapshot/follow.ts';
import type { SealedSnapshot } from '../../../proxy/snapshot/sealed-snapshot.ts';
import { seedEveryTable } from '../../database/seed.ts';
import { makeTenant, type OwnedDatabase, openDatabase, organizationSpec, type Tenant } from '../../database/tenant.ts';
import { countLockWaiters } from '../../lock-waiters.ts';
import { atEnd, suiteScope } from '../../scope.ts';
import { startRelay, viaPort } from '../../tcp-relay.ts';
import { until } from '../../until.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});
/** Longer than any test: where a change arrives nevertheless, a notification brought it. */
const neverMs = 3_600_000;

interface Following {
  readonly follower: Follower;
  readonly seen: SealedSnapshot[];
  readonly directory: string;
}

const root = mkdtempSync(join(tmpdir(), 'chaperone-follow-'));
// After the tests' own hooks: a follower that has not stopped yet may be writing in its directory.
after(() => rmSync(root, { recursive: true }));

function makeDirectory(): string {
  return mkdtempSync(join(root, 'volume-'));
}

function follow(t: TestContext, tenant: Tenant, options: Partial<FollowOptions> = {}): Following {
  const directory = options.directory ?? makeDirectory();
  const seen: SealedSnapshot[] = [];
  const follower = followSnapshot({
    organizationId: tenant.id,
    databaseUrl: () => tenant.url,
    directory,
    log: pino({ level: 'silent' }),
    onSnapshot: (snapshot) => seen.push(snapshot),
    pollMs: neverMs,
    ...options,
  });
  atEnd(t, () => follower.stop());
  return { follower, seen, directory };
}

async function rename(tenant: Tenant, displayName: string): Promise<void> {
  const spec = { ...organizationSpec, displayName };
  await upsertOrganization(database.owner, { organizationId: tenant.id, name: tenant.name, spec });
}

function waitForName({ seen }: Following, displayName: string): Promise<SealedSnapshot> {
  return until(() => {
    const last = seen.at(-1);
    return JSON.stringify(last?.organization?.spec).includes(displayName) && last;
  }, `the name ${displayName}`);
}

async function disconnect(tenant: Tenant): Promise<void> {
  await database.owner.query(`grant ${tenant.role} to current_user`);
  await database.owner.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
    tenant.role,
  ]);
}

test('the first snapshot is complete, and each change follows', async (t) => {
  const tenant = await makeTenant(database);
  await seedEveryTable(database.owner, tenant);
  const following = follow(t, tenant);
  const first = await following.follower.first;
  assert.equal(first.organization?.name, tenant.name);
  assert.deepEqual([first.personas.size, first.apiKeys.size], [1, 1]);
  for (const name of ['One', 'Two', 'Three']) {
    await rename(tenant, name);
    const next = await waitForName(following, name);
    assert.equal(next.personas, next.personas);
    assert.deepEqual([next.personas.size, next.apiKeys.size], [1, 1]);
  }
  const versions = following.seen.map(({ version }) => version);
  assert.deepEqual(
    versions,
    [...new Set(versions)].sort((a, b) => a - b),
  );
  assert.ok(following.follower.confirmedAtMs() > 0);
});

test('changes in quick succession end in the state after the last', async (t) => {
  const tenant = await makeTenant(database);
  const following = follow(t, tenant);
  await following.follower.first;
  for (let index = 0; index < 50; index += 1) await rename(tenant, `Name ${index}.`);
  const last = await waitForName(following, 'Name 49.');
  assert.equal(last.version, 51);
});

test('another organization’s change has no effect', async (t) => {
  const tenant = await makeTenant(database);
  const other = await makeTenant(database);
  const following = follow(t, tenant);
  await following.follower.first;
  await rename(other, 'Other');
  await rename(tenant, 'Mine');
  await waitForName(following, 'Mine');
  assert.ok(following.seen.every(({ organization }) => organization?.organization_id === tenant.id));
});

test('a connection that the server ends is made anew, and missed changes are read', async (t) => {
  const tenant = await makeTenant(database);
  const following = follow(t, tenant);
  await following.follower.first;
  await disconnect(tenant);
  await rename(tenant, 'Meanwhile');
  await waitForName(following, 'Meanwhile');
  await rename(tenant, 'Later');
  await waitForName(following, 'Later');
});

test('a silent connection is made anew', async (t) => {
  const tenant = await makeTenant(database);
  const relay = await startRelay(t, Number(new URL(database.url).port));
  const databaseUrl = () => viaPort(tenant.url, relay.port);
  const following = follow(t, tenant, { databaseUrl, pollMs: 20, queryTimeoutMs: 1_000 });
  await following.follower.first;
  relay.freeze();
  await rename(tenant, 'Meanwhile');
  await waitForName(following, 'Meanwhile');
});

test('polling finds a change whose notification was lost', async (t) => {
  const tenant = await makeTenant(database);
  const following = follow(t, tenant, { pollMs: 20 });
  await following.follower.first;
  // As behind a pooler: the connection that listens is not the one that is told.
  await following.follower.query((db) => db.query('unlisten *'));
  await rename(tenant, 'Polled');
  await waitForName(following, 'Polled');
});

test('the stored snapshot is in force while the database is away', async (t) => {
  const tenant = await makeTenant(database);
  await seedEveryTable(database.owner, tenant);
  const before = follow(t, tenant);
  const kept = await before.follower.first;
  await before.follower.stop();
  const file = join(before.directory, 'snapshot.json');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!/Be kind|sk-secret/.test(readFileSync(file, 'utf8')), 'what is kept is sealed');

  const relay = await startRelay(t, Number(new URL(database.url).port));
  await relay.close();
  const databaseUrl = () => viaPort(tenant.url, relay.port);
  const following = follow(t, tenant, { directory: before.directory, databaseUrl });
  assert.deepEqual(await following.follower.first, kept);
  assert.equal(following.follower.confirmedAtMs(), 0);
  await assert.rejects(() => following.follower.query(async () => 1), /database cannot be reached/);
  await rename(tenant, 'Back');
  await relay.open();
  await waitForName(following, 'Back');
});

test('a snapshot stored by an older version is read anew, since it lacks newer fields', async (t) => {
  const tenant = await makeTenant(database);
  await seedEveryTable(database.owner, tenant);
  const before = follow(t, tenant);
  const whole = await before.follower.first;
  await before.follower.stop();
  const file = join(before.directory, 'snapshot.json');
  const { revocations, apiKeys, ...kept } = JSON.parse(readFileSync(file, 'utf8'));
  assert.equal(revocations.length, 1);
  const older = apiKeys.map(({ roles: _, ...row }: { roles: unknown }) => row);
  writeFileSync(file, JSON.stringify({ ...kept, apiKeys: older }));
  const following = follow(t, tenant, { directory: before.directory });
  await until(() => following.seen.at(-1)?.version === whole.version);
  assert.deepEqual(following.seen.at(-1), whole);
});

test('a stored snapshot that is broken or another organization’s is ignored', async (t) => {
  const tenant = await makeTenant(database);
  const other = await makeTenant(database);
  const first = follow(t, other);
  await first.follower.first;
  await first.follower.stop();
  const broken = makeDirectory();
  writeFileSync(join(broken, 'snapshot.json'), '{"version": 3, "organiz');
  for (const directory of [first.directory, broken]) {
    const { follower, seen } = follow(t, tenant, { directory });
    await follower.first;
    assert.deepEqual(
      seen.map(({ organization }) => organization?.organization_id),
      [tenant.id],
    );
    await follower.stop();
  }
});

test('a database that restarts at a lower version is read from its beginning', async (t) => {
  const tenant = await makeTenant(database);
  await seedEveryTable(database.owner, tenant);
  const following = follow(t, tenant, { pollMs: 20 });
  const first = await following.follower.first;
  assert.equal(first.personas.size, 1);
  // As after a restore from before the persona was made.
  await database.owner.query('delete from chaperone.personas where organization_id = $1', [tenant.id]);
  await database.owner.query('update chaperone.config_versions set version = 1 where organization_id = $1', [
    tenant.id,
  ]);
  const restored = await until(() => following.seen.find(({ version }) => version === 1), 'the restored state');
  assert.equal(restored.personas.size, 0);
});

test('a follower leaves no connection, however early it stops', async (t) => {
  const tenant = await makeTenant(database);
  const relay = await startRelay(t, Number(new URL(database.url).port));
  const databaseUrl = () => viaPort(tenant.url, relay.port);
  const { follower } = follow(t, tenant, { databaseUrl });
  await follower.first;
  await follower.stop();
  for (let round = 0; round < 5; round += 1) {
    const early = follow(t, tenant, { databaseUrl });
    await new Promise((resolve) => setTimeout(resolve, round * 4));
    await early.follower.stop();
  }
  await until(() => relay.counts().accepted === 6 && relay.counts().open === 0, 'all connections to be gone');
});

test('a dropped role ends the configuration, at once where the session is still open', async (t) => {
  const tenant = await makeTenant(database);
  const following = follow(t, tenant, { pollMs: 20 });
  await following.follower.first;
  await dropOrganizationRole(database.owner, tenant.id);
  await until(() => following.seen.at(-1)?.organization === undefined, 'the configuration to be gone');
});

test('a role that is dropped during a reading ends the configuration, too', async (t) => {
  const tenant = await makeTenant(database);
  // Its session is ended. Whether the next login comes before the role is gone, and so what it is told, is a matter of luck.
  const following = follow(t, tenant, { pollMs: 20, refusalMs: 500 });
  await following.follower.first;
  const { owner } = database;
  // Row-level security reads this table, after the statement was allowed.
  await owner.query('begin; lock table chaperone.organization_roles in access exclusive mode');
  await until(async () => (await countLockWaiters(owner, 'organization_roles')) === 1, 'the follower to wait');
  await dropOrganizationRole(owner, tenant.id);
  await owner.query('commit');
  await until(() => following.seen.at(-1)?.organization === undefined, 'the configuration to be gone');
});

test('a rotated login is used at once, so that no change is missed when the former sessions end', async (t) => {
  const tenant = await makeTenant(database);
  let url = tenant.url;
  const { follower, ...following } = follow(t, tenant, { databaseUrl: () => url });
  await follower.first;
  const pidOf = () =>
    follower.query(async (db) => (await db.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid);
  const first = await pidOf();
  await follower.renewLogin();
  assert.equal(await pidOf(), first);
  url = Object.assign(new URL(url), { password: 'another' }).href;
  await follower.renewLogin();
  assert.equal(await pidOf(), first);
  await ensureOrganizationRole(database.owner, tenant.id, 'another');
  await follower.renewLogin();
  const second = await pidOf();
  assert.notEqual(second, first);
  await endOrganizationSessions(database.owner, tenant.id);
  assert.equal(await pidOf(), second);
  await rename(tenant, 'Renewed');
  await waitForName({ follower, ...following }, 'Renewed');
});

test('a login that is refused for long counts as withdrawn; refused for a moment, as rotating', async (t) => {
  const tenant = await makeTenant(database);
  let url = tenant.url;
  const following = follow(t, tenant, { databaseUrl: () => url, refusalMs: 500 });
  await following.follower.first;
  await ensureOrganizationRole(database.owner, tenant.id, 'another');
  await disconnect(tenant);
  url = url.replace(/:[^:@/]+@/, ':another@');
  await rename(tenant, 'Rotated');
  await waitForName(following, 'Rotated');
  await ensureOrganizationRole(database.owner, tenant.id, 'taken away');
  await disconnect(tenant);
  await until(() => following.seen.at(-1)?.organization === undefined, 'the configuration to be gone');
});
