import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { userDigest, userIdOf } from '../../../database/ids.ts';
import { insertRequests } from '../../../database/insert-requests.ts';
import { eraseUser } from '../../../database/users.ts';
import { makeSetAsideEraser } from '../../../proxy/spool/erase-set-aside.ts';
import { openSpool } from '../../../proxy/spool/spool.ts';
import type { SpoolTable } from '../../../proxy/spool/tables.ts';
import { makeStore } from '../../../proxy/store.ts';
import { batchOf } from '../../database/batch.ts';
import { connect, makeTenant, openDatabase } from '../../database/tenant.ts';
import { makeRecord } from '../../request-record.ts';
import { atEnd } from '../../scope.ts';

const log = pino({ level: 'silent' });

test('the digest of a user equals the database’s', async (t) => {
  const { owner } = await openDatabase(t);
  const [organization, user] = [randomUUID(), randomUUID()];
  const { rows } = await owner.query(`select encode(chaperone.user_digest($1, $2), 'hex') as digest`, [
    organization,
    user,
  ]);
  assert.deepEqual(rows, [{ digest: userDigest(organization, user) }]);
});

test('an erasure reaches records that were set aside, and keeps figures and other users’ records', async (t) => {
  const database = await openDatabase(t);
  const { id, url } = await makeTenant(database);
  const directory = mkdtempSync(join(tmpdir(), 'chaperone-aside-'));
  const spool = openSpool({ directory });
  const store = makeStore({ databaseUrl: () => url, log });
  atEnd(t, async () => {
    await store.close();
    spool.close();
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, 'set-aside.jsonl');
  const setAside = (table: SpoolTable, record: object, reason = 'too large', sealed?: string) =>
    appendFileSync(file, `${JSON.stringify({ table, reason, record: JSON.stringify(record), sealed })}\n`);
  const lines = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
      .map(({ reason, record, sealed }) => ({ reason, record: JSON.parse(record), sealed }));

  const ada = userIdOf(id, 'ada');
  /** Where earlier versions, and pending calls, have their contents. */
  const inRecord = { input_sealed: 'aW4=', output_sealed: 'b3V0' };
  const said = {
    session_id: 'about-ada',
    client_name: 'ada-s-laptop',
    client_version: '1-ada',
    safety_identifier: 'ada-hashed',
    end_user: 'ada',
  };
  const early = makeRecord(id, { ...said, started_at: '2026-06-01T00:00:00.000Z', total_tokens: 7 });
  const ofBob = makeRecord(id, { ...said, user_id: userIdOf(id, 'bob'), user_external_id: 'bob' });
  const later = makeRecord(id, { ...said, started_at: '2999-01-01T00:00:00.000Z' });
  setAside('calls', early, 'value "ada" is wrong', 'aW4=');
  setAside('settlements', { ...early, ...inRecord, user_id: 'ada' });
  setAside('ratings', {
    rating_id: randomUUID(),
    user_id: null,
    rated_by: ada,
    rated_at: early.started_at,
    feedback: 'I am Ada',
  });
  setAside('calls', ofBob, 'too large', 'aW4=');
  setAside('calls', later);
  appendFileSync(file, 'half a line');

  const db = await connect(t, url);
  await insertRequests(db, id, batchOf([makeRecord(id)]));
  const erase = makeSetAsideEraser({ organizationId: id, spool, store, log });
  await erase();
  assert.match(readFileSync(file, 'utf8'), /half a line/);
  await eraseUser(db, ada);
  await erase();

  assert.equal(statSync(file).mode & 0o777, 0o600);
  const [first, second, third, ...others] = lines();
  for (const line of [first, second, third]) {
    assert.doesNotMatch(JSON.stringify(line), new RegExp(`ada|Ada|aW4=|b3V0|${ada}`));
    assert.equal(line?.reason, 'its user was erased');
  }
  assert.deepEqual([first?.record.total_tokens, first?.record.request_id], [7, early.request_id]);
  assert.deepEqual(
    others.map(({ record, sealed }) => [record, sealed]),
    [
      [ofBob, 'aW4='],
      [later, undefined],
    ],
  );
});
