import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { Client } from 'pg';
import {
  dropOrganizationRole,
  ensureOrganizationRole,
  isPasswordRefused,
  scramVerifier,
} from '../../database/roles.ts';
import { propertyRuns } from '../property-runs.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { type OwnedDatabase, openDatabase } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});
/** Whose session it is to the database. */
async function logIn(user: string, password: string): Promise<unknown> {
  const { hostname, port, pathname } = new URL(database.url);
  const client = new Client({ user, password, host: hostname, port: Number(port), database: pathname.slice(1) });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: unknown }>('select chaperone.current_organization_id() as id');
    return rows[0]?.id;
  } finally {
    await client.end();
  }
}

test('a role logs in with its password, and acts as its organization', async () => {
  const id = randomUUID();
  const role = await ensureOrganizationRole(database.owner, id, 'pa$$ \'word"');
  assert.equal(role, `chaperone_org_${id.replaceAll('-', '')}`);
  assert.equal(await logIn(role, 'pa$$ \'word"'), id);
  await assert.rejects(() => logIn(role, 'other'), { code: '28P01' });
});

test('a refused password differs from a login that fails for another reason', async () => {
  const role = await ensureOrganizationRole(database.owner, randomUUID(), 'right');
  const urlOf = (changes: Partial<Record<'username' | 'password' | 'pathname' | 'port', string>>) =>
    Object.assign(new URL(database.url), { username: role, password: 'right', ...changes }).href;
  assert.equal(await isPasswordRefused(urlOf({})), false);
  assert.equal(await isPasswordRefused(urlOf({ password: 'wrong' })), true);
  assert.equal(await isPasswordRefused(urlOf({ pathname: '/not-there' })), false);
  assert.equal(await isPasswordRefused(urlOf({ port: '1' })), false);
  await database.owner.query(`alter role ${role} nologin`);
  assert.equal(await isPasswordRefused(urlOf({})), false);
});

test('the stored verifier equals one that the server makes itself', async () => {
  const id = randomUUID();
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }), async (password) => {
      assert.equal(await logIn(await ensureOrganizationRole(database.owner, id, password), password), id);
    }),
    { numRuns: propertyRuns(10) },
  );
});

test('a verifier equals that of RFC 7677’s example', () => {
  const [, iterations, salt, storedKey] =
    /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(
      scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')),
    ) ?? [];
  assert.deepEqual([iterations, salt], ['4096', 'W22ZaJ0SNY7soEsUEjb6gQ==']);
  assert.equal(storedKey, 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=');
});

test('a password in clear is refused', async () => {
  await assert.rejects(
    () => database.owner.query("select chaperone.ensure_organization_role($1, 'secret')", [randomUUID()]),
    /SCRAM-SHA-256/,
  );
});

test('a role that is ensured again has only the new password', async () => {
  const id = randomUUID();
  const role = await ensureOrganizationRole(database.owner, id, 'first');
  assert.equal(await ensureOrganizationRole(database.owner, id, 'second'), role);
  assert.equal(await logIn(role, 'second'), id);
  await assert.rejects(() => logIn(role, 'first'), { code: '28P01' });
});

test('a dropped role cannot log in, and dropping a missing one is no error', async () => {
  const id = randomUUID();
  const role = await ensureOrganizationRole(database.owner, id, 'secret');
  await dropOrganizationRole(database.owner, id);
  await assert.rejects(() => logIn(role, 'secret'), { code: '28P01' });
  await dropOrganizationRole(database.owner, id);
});

test('an open session of a dropped role ends', async (t) => {
  const id = randomUUID();
  const role = await ensureOrganizationRole(database.owner, id, 'secret');
  const url = new URL(database.url);
  url.username = role;
  url.password = 'secret';
  const client = new Client({ connectionString: url.href });
  const ended = new Promise<Error>((resolve) => client.on('error', resolve));
  await client.connect();
  atEnd(t, () => client.end());
  await dropOrganizationRole(database.owner, id);
  await ended;
  await assert.rejects(() => client.query('select 1 from chaperone.requests'));
});
