import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Client } from 'pg';
import { insertRequests } from '../../database/insert-requests.ts';
import { batchOf } from '../database/batch.ts';
import { connect } from '../database/tenant.ts';
import { makeRecord } from '../request-record.ts';
import { suiteScope } from '../scope.ts';
import { startStack } from '../stack.ts';
import { until } from '../until.ts';
import { startStackWorker } from './webhooks/start.ts';

const scope = suiteScope();
let owner: Client;
let acme: string;

before(async () => {
  const stack = await startStack(scope);
  owner = await connect(scope, stack.database.url);
  const { rows } = await owner.query<{ id: string }>('select organization_id as id from chaperone.organizations');
  acme = rows[0]?.id ?? '';
  await startStackWorker(scope, stack);
});

const begin = (chore: string) => owner.query('select graphile_worker.add_job($1)', [`chore:${chore}`]);

async function readValue(sql: string): Promise<unknown> {
  const { rows } = await owner.query<{ value: unknown }>(`select (${sql}) as value`);
  return rows[0]?.value;
}

test('a worker has a time for each chore', async () => {
  const known = await until(async () => {
    const { rows } = await owner.query<{ name: string }>(
      'select identifier as name from graphile_worker._private_known_crontabs order by 1',
    );
    return rows.length === 7 && rows;
  }, 'the chores');
  assert.deepEqual(
    known.map(({ name }) => name),
    ['held-answers', 'idle-conversations', 'lost-calls', 'partitions', 'past-rows', 'retention', 'sums'],
  );
});

test('a worker makes partitions with its own login', async () => {
  const last = `(select max(relname::text) from pg_class where relkind = 'r' and relname ~ '^requests_20' and relnamespace = 'chaperone'::regnamespace)`;
  const name = await readValue(last);
  await owner.query(`drop table chaperone.${name}`);
  await begin('partitions');
  await until(async () => (await readValue(last)) === name, 'the partition');
});

test('a worker deletes what no longer counts, but nothing that a job or an erasure needs', async () => {
  await owner.query(
    `insert into chaperone.job_calls (organization_id, job_id, step, number, request_id, created_at)
     select $1, job, 'only', 0, 'req_1', now() - age
     from (values (1000001, interval '2 days'), (1000002, interval '1 hour')) v (job, age)`,
    [acme],
  );
  const { rows } = await owner.query<{ id: string }>(
    `select id::text as id from graphile_worker.add_job('organization:unknown', '{}', run_at => now() + interval '1 day')`,
  );
  await owner.query(
    `insert into chaperone.job_calls (organization_id, job_id, step, number, request_id, created_at)
     values ($1, $2, 'only', 0, 'req_1', now() - interval '2 days')`,
    [acme, rows[0]?.id],
  );
  await owner.query(
    `insert into chaperone.revocations (organization_id, kind, subject, expires_at)
     values ($1, 'token', 'old', now() - interval '1 minute')`,
    [acme],
  );
  await begin('past-rows');
  await until(
    async () => (await readValue('select count(*)::integer from chaperone.revocations')) === 0,
    'the revocation',
  );
  const left = () => readValue('select array_agg(job_id::integer order by job_id) from chaperone.job_calls');
  await until(async () => (await left())?.toString() === [Number(rows[0]?.id), 1_000_002].toString(), 'the calls');
});

test('a worker removes with its own login what an organization keeps no longer', async () => {
  const old = makeRecord(acme, { started_at: new Date(Date.now() - 50 * 86_400_000).toISOString() });
  await insertRequests(
    owner,
    acme,
    batchOf([old], () => 'sealed'),
  );
  await owner.query(`update chaperone.organizations set spec = jsonb_set(spec, '{storage,retention}', '"720h"')`);
  await begin('retention');
  const isLeft = () => readValue('exists (select from chaperone.requests)');
  await until(async () => (await isLeft()) === false, 'the call to go');
  const keptFrom = () => readValue('(select kept_from from chaperone.retention_states) is not null');
  await until(async () => (await keptFrom()) === true, 'the note of it');
});

test('a worker adds to the sums what no proxy has added', async () => {
  await insertRequests(
    owner,
    acme,
    batchOf([makeRecord(acme)], () => 'sealed'),
  );
  const waiting = () => readValue('select count(*)::integer from chaperone.unfolded_usage');
  await begin('sums');
  await until(async () => (await waiting()) === 0, 'the sums');
});

test('a worker rejects held answers that nobody has decided about in time', async () => {
  await owner.query(
    `insert into chaperone.review_items (organization_id, item_id, user_id, about_user_id, source, category, priority,
       reviews_needed, guardrail, detector, held_until)
     select $1, id, gen_random_uuid(), gen_random_uuid(), 'guardrail', 'advice', 2, 1, 'advice', 'words', until
     from (values ('rev-late', now() - interval '1 s'), ('rev-early', now() + interval '1 h')) v (id, until)`,
    [acme],
  );
  await begin('held-answers');
  const late = `select approved = false from chaperone.review_items where item_id = 'rev-late' and status = 'reviewed'`;
  await until(async () => (await readValue(late)) === true, 'the late one to be rejected');
  assert.equal(await readValue(`select status from chaperone.review_items where item_id = 'rev-early'`), 'queued');
});
