import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepJobIntent } from '../../database/job-intents.ts';
import { recordOf } from '../../database/request-lines.ts';
import type { RequestRecord } from '../../database/requests.ts';
import { settleLostCalls } from '../../worker/lost-calls.ts';
import { connect, makeTenant, openDatabase } from '../database/tenant.ts';
import { makeRecord } from '../request-record.ts';

test('a lost call whose record is refused holds up no other, and is set aside', async (t) => {
  const database = await openDatabase(t);
  const { id, url } = await makeTenant(database);
  const db = await connect(t, url);
  const intents = [{}, { api_key_id: 'no key' }, {}].map((changes) => makeRecord(id, changes));
  for (const record of intents) await keepJobIntent(db, id, { jobId: '1', workerId: 'gone', record });
  await database.owner.query(`update chaperone.job_intents set lost_at = clock_timestamp() - interval '11 minutes'`);

  const recovered: RequestRecord[] = [];
  const aside: [id: string, reason: string][] = [];
  const settle = () =>
    settleLostCalls({
      id,
      store: { run: (work) => work(db) },
      settlement: { recovered: (record) => recovered.push(record) },
      shipper: {
        setAside: (_, { row }, { message }) => aside.push([recordOf(String(row)).request_id, message]),
      },
    });
  await settle();

  const [one, bad, other] = intents.map(({ request_id }) => request_id);
  const { rows } = await db.query('select request_id, status, error_code from chaperone.requests order by 1');
  const settled = { status: 'interrupted', error_code: 'process_ended' };
  assert.deepEqual(
    rows,
    [one, other].sort().map((request_id) => ({ request_id, ...settled })),
  );
  assert.deepEqual(recovered.map(({ request_id }) => request_id).sort(), [one, other].sort());
  assert.deepEqual(
    aside.map(([requestId]) => requestId),
    [bad],
  );
  assert.match(aside[0]?.[1] ?? '', /uuid/);

  await settle();
  assert.equal(aside.length, 1, 'its intent is gone');
});
