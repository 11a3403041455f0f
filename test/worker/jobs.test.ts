import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, type TestContext, test } from 'node:test';
import type { Client } from 'pg';
import { pino } from 'pino';
import { addJobOf } from '../../database/jobs.ts';
import { JobError } from '../../worker/job-error.ts';
import type { Task } from '../../worker/task.ts';
import { startWorker } from '../../worker/worker.ts';
import { connect } from '../database/tenant.ts';
import { makeDirectory } from '../directories.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

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

async function work(t: TestContext, tasks: Readonly<Record<string, Task>>) {
  const worker = await startWorker({
    databaseUrl: (await readFile(`${stack.workerCredentials}/database-url`, 'utf8')).trim(),
    credentialsDirectory: stack.workerCredentials,
    dataDirectory: await makeDirectory(t),
    upstreamUrl: stack.upstreamUrl,
    metricsHost: '127.0.0.1',
    metricsPort: 0,
    tasks,
    log: pino({ level: 'warn' }),
  });
  atEnd(t, worker.stop);
  return worker;
}

test('a job of an organization runs under its own login, and makes a governed call', async (t) => {
  const done: unknown[] = [];
  await work(t, {
    greet: {
      async run({ organization, ask, job }, id) {
        const { rows } = await organization.store.run((db) => db.query('select session_user::text as login'));
        const reply = await ask({
          step: 'only',
          kind: 'analysis',
          user: 'ada',
          body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello!' }] },
        });
        done.push({ id, login: rows[0], attempt: job.attempt, tokens: reply.totalTokens !== null });
      },
    },
  });
  await addJobOf(owner, acme, { task: 'greet', id: 'row-1' });
  await until(() => done.length > 0, 'the job', 10_000);
  const login = `chaperone_org_${acme.replaceAll('-', '')}`;
  assert.deepEqual(done, [{ id: 'row-1', login: { login }, attempt: 1, tokens: true }]);
  const kinds = await until(async () => {
    const { rows } = await owner.query<{ kind: string; user: string }>(
      `select r.kind, u.external_id as user from chaperone.requests r join chaperone.users u using (organization_id, user_id)`,
    );
    return rows.length > 0 && rows;
  });
  assert.deepEqual(kinds, [{ kind: 'analysis', user: 'ada' }]);
});

test('a failed job is tried again; one without hope is a dead letter, and its task is told', async (t) => {
  const attempts: string[] = [];
  const told: unknown[] = [];
  await work(t, {
    hopeless: {
      async run(_, id) {
        attempts.push(id);
        throw new JobError('broken', 'It is broken', { isFinal: id === 'final' });
      },
      async gaveUp(_, id, failure) {
        told.push({ id, ...failure });
      },
    },
  });
  await addJobOf(owner, acme, { task: 'hopeless', id: 'final' });
  await addJobOf(owner, acme, { task: 'hopeless', id: 'again', attempts: 2 });
  await until(() => told.length === 2, 'both to be told', 20_000);
  assert.deepEqual(attempts.toSorted(), ['again', 'again', 'final']);
  assert.deepEqual(told, [
    { id: 'final', code: 'broken', message: 'It is broken', isFinal: true },
    { id: 'again', code: 'broken', message: 'It is broken', isFinal: true },
  ]);
});
