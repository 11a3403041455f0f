import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { addJobOf, listJobs } from '../../database/jobs.ts';
import { connect } from '../database/tenant.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { makeWorkerProcess } from './worker-process.ts';

const scope = suiteScope();
let stack: Stack;
let owner: Client;
let acme: string;

before(async () => {
  stack = await startStack(scope);
  owner = await connect(scope, stack.database.url);
  const { rows } = await owner.query<{ id: string }>('select organization_id as id from chaperone.organizations');
  acme = rows[0]?.id ?? '';
});

test('killed workers lose no job, and no call that was settled is made again', async (t) => {
  const workers = [await makeWorkerProcess(t, stack), await makeWorkerProcess(t, stack)];
  await Promise.all(workers.map((worker) => worker.start()));
  const count = 40;
  for (let job = 0; job < count; job += 1)
    await addJobOf(owner, acme, { task: 'two-calls', id: `row-${job}`, attempts: 30 });
  const left = async () => (await listJobs(owner, { organization: undefined, isDead: false, limit: 1_000 })).length;
  for (let kills = 0; (await left()) > 0 && kills < 40; kills += 1) {
    const worker = workers[kills % 2];
    await delay(100 + Math.random() * 300);
    await worker?.kill();
    await worker?.start();
  }
  await until(async () => (await left()) === 0, 'all jobs to be done', 120_000);
  const shipped = async () => {
    const { rows } = await owner.query<{ step: string; completed: number; waiting: number }>(
      `select c.step, (count(*) filter (where r.status = 'completed'))::integer as completed,
         (count(*) filter (where r.request_id is null))::integer as waiting
       from chaperone.job_calls c left join chaperone.requests r using (organization_id, request_id)
       group by c.job_id, c.step`,
    );
    return rows;
  };
  const steps = await until(async () => {
    const rows = await shipped();
    return rows.every(({ completed }) => completed > 0) && rows;
  }, 'the records of all calls');
  assert.equal(steps.length, 2 * count);
  assert.deepEqual(
    steps.filter(({ completed }) => completed !== 1),
    [],
    'each step has one call that was settled',
  );
});

test('a job that kills its worker is a dead letter in the end', async (t) => {
  const worker = await makeWorkerProcess(t, stack);
  const id = await addJobOf(owner, acme, { task: 'deadly', id: 'row', attempts: 2 });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await worker.start();
    await until(worker.exited, 'the job to end its worker', 30_000);
  }
  await worker.start();
  const dead = await until(async () => {
    const [job] = await listJobs(owner, { organization: 'acme', isDead: true, limit: 10 });
    return job;
  }, 'the dead letter');
  const { id: deadId, state, attempts, lastError } = dead;
  assert.deepEqual({ id: deadId, state, attempts, lastError }, { id, state: 'dead', attempts: 2, lastError: null });
});
