import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Client } from 'pg';
import { migrate } from '../../database/migrate.ts';
import { makeFormerDatabase, makeFormerTenant } from '../former-database.ts';

/** The last migration of the version whose erasures left something. */
const former = '000023.sql';

async function insertCall(owner: Client, organizationId: string, userId: string, turnId: string): Promise<void> {
  await owner.query(
    `insert into chaperone.requests (organization_id, request_id, started_at, operation, user_id, session_id, turn_id, provider,
       is_stream, status, client_name)
     values ($1, $2, now(), 'responses', $3, 'erased-session', $4, 'openai', false, 'completed', $5)`,
    [organizationId, `req_${randomUUID()}`, userId, turnId, turnId],
  );
}

async function insertUser(owner: Client, organizationId: string, userId: string, externalId: string): Promise<void> {
  await owner.query('insert into chaperone.users (organization_id, user_id, external_id) values ($1, $2, $3)', [
    organizationId,
    userId,
    externalId,
  ]);
}

async function turnsOf(owner: Client): Promise<(string | null)[]> {
  const { rows } = await owner.query<{ turn: string | null }>(
    'select turn_id as turn from chaperone.requests order by 1',
  );
  return rows.map(({ turn }) => turn);
}

test('an upgrade removes what earlier erasures left, but nothing of other users', async (t) => {
  const { url, owner } = await makeFormerDatabase(t, former);
  const { id } = await makeFormerTenant(owner, url, 'acme');
  const [erased, other] = [randomUUID(), randomUUID()];
  await insertUser(owner, id, erased, `erased-${erased}`);
  await insertUser(owner, id, other, `erased-${randomUUID()}`);
  await insertCall(owner, id, erased, 'turn of the erased');
  await insertCall(owner, id, other, 'turn of the other');
  await owner.query(
    `insert into chaperone.api_keys (organization_id, api_key_id, provider, user_external_id, key_encrypted, fingerprint,
       synthetic_key_sha256, deleted_at)
     select $1, gen_random_uuid(), 'openai', 'ada', '', '', '', deleted_at from unnest(array[null, now()]) deleted_at`,
    [id],
  );
  await owner.query(
    `insert into chaperone.personas (organization_id, persona_id, name, content_encrypted, users, deleted_at)
     select $1, gen_random_uuid(), 'p', '', '{ada}', deleted_at from unnest(array[null, now()]) deleted_at`,
    [id],
  );
  await migrate(url);
  assert.deepEqual(await turnsOf(owner), ['turn of the other', null]);
  const { rows } = await owner.query(
    `select user_external_id as name from chaperone.api_keys where deleted_at is null
     union all select users[1] from chaperone.personas where deleted_at is null`,
  );
  assert.deepEqual(rows, [{ name: 'ada' }, { name: 'ada' }]);
  const { rows: deleted } = await owner.query(
    `select user_external_id as name from chaperone.api_keys where deleted_at is not null
     union all select users[1] from chaperone.personas where deleted_at is not null`,
  );
  assert.deepEqual(deleted, [{ name: null }, { name: null }]);
});

test('a record that breaks its bounds does not stop the upgrade', async (t) => {
  const { url, owner } = await makeFormerDatabase(t, former);
  const { id } = await makeFormerTenant(owner, url, 'acme');
  const erased = randomUUID();
  await insertUser(owner, id, erased, `erased-${erased}`);
  const constraint = 'requests_attributes_check';
  const { rows } = await owner.query<{ definition: string }>(
    'select pg_get_constraintdef(oid) as definition from pg_constraint where conname = $1 and conparentid = 0',
    [constraint],
  );
  await owner.query(`alter table chaperone.requests drop constraint ${constraint}`);
  await insertCall(owner, id, erased, 'x'.repeat(100));
  await owner.query(`alter table chaperone.requests add constraint ${constraint} ${rows[0]?.definition}`);
  await assert.rejects(owner.query('update chaperone.requests set turn_id = null'), { code: '23514' });
  await migrate(url);
  assert.deepEqual(await turnsOf(owner), ['x'.repeat(100)]);
});
