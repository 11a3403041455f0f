import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { Client, DatabaseError } from 'pg';
import { queryTimeoutMs } from '../../database/client.ts';
import { findOrganization, retireOrganization } from '../../database/organizations.ts';
import {
  dropOrganizationRole,
  endLongTransactions,
  endOrganizationSessions,
  ensureOrganizationRole,
  limitOrganizationRole,
  limitRetainedRoles,
} from '../../database/roles.ts';
import { withDatabase } from '../database.ts';
import { suiteScope } from '../scope.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});
const codeOf = (error: unknown) => (error instanceof DatabaseError ? error.code : undefined);

async function stateOf(tenant: Tenant) {
  const stored = await findOrganization(database.owner, tenant.name);
  assert.ok(stored);
  return stored;
}

/** Milliseconds of a setting as a session of the tenant has it. */
async function settingMs(client: Client, name: string): Promise<number> {
  const { rows } = await client.query<{ ms: number }>(
    `select extract(epoch from current_setting($1)::interval)::float8 * 1000 as ms`,
    [name],
  );
  return rows[0]?.ms ?? 0;
}

test('a login cannot take more connections than its limit', async (t) => {
  const tenant = await makeTenant(database);
  await limitOrganizationRole(database.owner, tenant.id, 3);
  for (let count = 0; count < 3; count += 1) await connect(t, tenant.url);
  const fourth = new Client({ connectionString: tenant.url });
  await assert.rejects(() => fourth.connect(), { code: '53300' });
  const { connections, connectionLimit } = await stateOf(tenant);
  assert.deepEqual([connections, connectionLimit], [3, 3]);
  // Nor does it lift its own limit.
  const client = await connect(t, (await makeTenant(database)).url);
  await assert.rejects(client.query('alter role current_user connection limit -1'), { code: '42501' });
});

test('a statement ends in the server before the proxy gives up on it', async (t) => {
  const client = await connect(t, (await makeTenant(database)).url);
  for (const name of ['statement_timeout', 'lock_timeout']) {
    const ms = await settingMs(client, name);
    assert.ok(ms > 0 && ms < queryTimeoutMs, `${name} is ${ms} ms`);
  }
  for (const name of ['idle_in_transaction_session_timeout', 'transaction_timeout']) {
    assert.ok((await settingMs(client, name)) > 0, name);
  }
});

test('settings that a login gave itself are detected, and removed with the limits', async (t) => {
  const tenant = await makeTenant(database);
  const client = await connect(t, tenant.url);
  const role = client.escapeIdentifier(tenant.role);
  const { rows } = await client.query<{ name: string }>('select current_database() as name');
  for (const sql of [
    `alter role ${role} set default_transaction_read_only = on`,
    `alter role ${role} in database ${rows[0]?.name} set default_transaction_read_only = on`,
    `alter role ${role} in database template1 set statement_timeout = 0`,
    `alter role ${role} set statement_timeout = 0`,
    `alter role ${role} reset statement_timeout`,
    `alter role ${role} set role = chaperone_tenant`,
  ]) {
    assert.equal((await stateOf(tenant)).hasItsSettings, true);
    await client.query(sql);
    assert.equal((await stateOf(tenant)).hasItsSettings, false, sql);
    await limitOrganizationRole(database.owner, tenant.id, 20);
  }
  assert.equal((await stateOf(tenant)).hasItsSettings, true);
  const fresh = await connect(t, tenant.url);
  await fresh.query(`insert into chaperone.users (organization_id, user_id, external_id) values ($1, $1, 'ada')`, [
    tenant.id,
  ]);
});

test('a new password removes such settings, too', async (t) => {
  const tenant = await makeTenant(database);
  const client = await connect(t, tenant.url);
  await client.query(`alter role ${tenant.role} set default_transaction_read_only = on`);
  await ensureOrganizationRole(database.owner, tenant.id, 'another');
  assert.equal((await stateOf(tenant)).hasItsSettings, true);
});

const withPassword = (url: string, password: string) => Object.assign(new URL(url), { password }).href;
const isOpen = (client: Client) =>
  client.query('select 1').then(
    () => true,
    () => false,
  );

test('sessions from before a new password are ended, and later ones are not', async (t) => {
  const tenant = await makeTenant(database);
  const before = await connect(t, tenant.url);
  assert.equal((await stateOf(tenant)).hasOldSessions, false);
  await ensureOrganizationRole(database.owner, tenant.id, 'another');
  const later = await connect(t, withPassword(tenant.url, 'another'));
  assert.equal((await stateOf(tenant)).hasOldSessions, true);
  const other = await connect(t, (await makeTenant(database)).url);
  assert.equal(await endOrganizationSessions(database.owner, tenant.id), 1);
  assert.deepEqual([await isOpen(before), await isOpen(later), await isOpen(other)], [false, true, true]);
  assert.equal((await stateOf(tenant)).hasOldSessions, false);
});

test('a transaction that is open for too long is ended, whatever its session has set', async (t) => {
  const client = await connect(t, (await makeTenant(database)).url);
  await client.query('set idle_in_transaction_session_timeout = 0');
  await client.query('begin; select from chaperone.requests');
  const idle = await connect(t, (await makeTenant(database)).url);
  assert.deepEqual(await endLongTransactions(database.owner, 3_600_000), []);
  assert.equal((await endLongTransactions(database.owner, 0)).length, 1);
  assert.deepEqual([await isOpen(client), await isOpen(idle)], [false, true]);
});

test('the login of a retained organization gets limits', async () => {
  const tenant = await makeTenant(database);
  await database.owner.query(`alter role ${tenant.role} connection limit -1`);
  assert.equal(await limitRetainedRoles(database.owner, 20), 0);
  await retireOrganization(database.owner, tenant.id);
  assert.equal(await limitRetainedRoles(database.owner, 20), 1);
  assert.equal((await stateOf(tenant)).connectionLimit, 20);
});

describe('a login is dropped', () => {
  const deeds: Readonly<Record<string, string>> = {
    'with default privileges': 'alter default privileges grant select on tables to public',
    'with a large object': 'select lo_create(0)',
    'with settings of its own': 'alter role current_user set default_transaction_read_only = on',
    'with what it is refused': 'create schema mine',
    'with a temporary table': 'create temp table mine (n int)',
    'in the middle of a transaction': 'begin; select lo_create(0)',
  };
  for (const [title, sql] of Object.entries(deeds)) {
    test(title, async (t) => {
      const tenant = await makeTenant(database);
      const client = await connect(t, tenant.url);
      await client.query(sql).catch((error: unknown) => assert.equal(codeOf(error), '42501'));
      assert.equal(await dropOrganizationRole(database.owner, tenant.id), undefined);
      assert.equal(await isOpen(client), false);
      const { rowCount } = await database.owner.query('select from pg_roles where rolname = $1', [tenant.role]);
      assert.equal(rowCount, 0);
    });
  }

  test('as far as possible where another database has objects of it', async (t) => {
    const tenant = await makeTenant(database);
    const elsewhere = await openDatabase(t);
    const client = await connect(t, withDatabase(tenant.url, new URL(elsewhere.url).pathname.slice(1)));
    await client.query('select lo_create(4711)');
    const reason = await dropOrganizationRole(database.owner, tenant.id);
    assert.match(reason ?? '', /1 object in database/);
    assert.equal(await isOpen(client), false);
    await assert.rejects(() => new Client({ connectionString: tenant.url }).connect(), { code: '28P01' });
    const { rows } = await database.owner.query(
      `select rolcanlogin, pg_has_role(rolname, 'chaperone_tenant', 'member') as is_tenant from pg_roles where rolname = $1`,
      [tenant.role],
    );
    assert.deepEqual(rows, [{ rolcanlogin: false, is_tenant: false }]);
    // It goes once nothing is in its way.
    await elsewhere.owner.query(`drop owned by ${tenant.role}`);
    assert.equal(await dropOrganizationRole(database.owner, tenant.id), undefined);
  });

  test('and dropping a missing one is no error', async () => {
    assert.equal(await dropOrganizationRole(database.owner, randomUUID()), undefined);
  });
});
