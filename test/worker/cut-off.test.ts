import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { addJobOf, listJobs } from '../../database/jobs.ts';
import { connect } from '../database/tenant.ts';
import { countLockWaiters } from '../lock-waiters.ts';
import { suiteScope } from '../scope.ts';
import { type ScriptedProvider, sendJson, startScriptedProvider } from '../scripted-provider.ts';
import { type Stack, startStack } from '../stack.ts';
import { startRelay } from '../tcp-relay.ts';
import { until } from '../until.ts';
import { makeWorkerProcess } from './worker-process.ts';

const completion = {
  ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'gpt-4o-mini' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'Good.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
};

describe('the calls of a worker', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  let owner: Client;
  let acme: string;
  /** Calls that wait for their answer. */
  const held: ServerResponse[] = [];

  before(async () => {
    provider = await startScriptedProvider(scope);
    provider.answer = (response) => void held.push(response);
    stack = await startStack(scope, { upstreamUrl: provider.url });
    owner = await connect(scope, stack.database.url);
    const { rows } = await owner.query<{ id: string }>('select organization_id as id from chaperone.organizations');
    acme = rows[0]?.id ?? '';
  });

  const answerAll = () => {
    for (const response of held.splice(0)) sendJson(response, completion);
  };
  const readValue = async (sql: string) => Number((await owner.query<{ value: unknown }>(sql)).rows[0]?.value);
  const workers = () => readValue('select count(*) as value from chaperone.workers');
  const intents = () => readValue('select count(*) as value from chaperone.job_intents');
  const jobs = async () => (await listJobs(owner, { organization: 'acme', isDead: false, limit: 100 })).length;
  /** How many calls have which end, with their tokens. */
  const readRecords = async () => {
    const { rows } = await owner.query<{ status: string; calls: number; tokens: number }>(
      `select status, count(*)::integer as calls, coalesce(sum(total_tokens), 0)::integer as tokens
       from chaperone.requests group by 1 order by 1`,
    );
    return rows;
  };

  const lookForLostCalls = async () => {
    await owner.query('select chaperone.look_for_lost_calls()');
    await until(async () => (await jobs()) === 0, 'the jobs that follow from it');
  };

  it('are all recorded as they ended where it stops in order, before it leaves', async (t) => {
    // What is recorded when a worker leaves.
    await owner.query(`
      create table public.left_with (records bigint not null);
      create function public.note_leaving() returns trigger language plpgsql security definer as $$
        begin insert into public.left_with select count(*) from chaperone.requests; return old; end $$;
      create trigger note_leaving before delete on chaperone.workers for each row execute function public.note_leaving()`);
    const worker = await makeWorkerProcess(t, stack);
    await worker.start();
    const blocker = await connect(t, stack.database.url);
    await addJobOf(owner, acme, { task: 'one-call', id: 'row' });
    await until(() => held.length === 1, 'the call');
    // Records cannot arrive meanwhile.
    await blocker.query('begin; lock table chaperone.requests in share row exclusive mode');
    answerAll();
    await until(async () => (await jobs()) === 0, 'the job');
    await until(async () => (await countLockWaiters(owner, 'requests')) === 1, 'the record to be on its way');
    worker.stop();
    // A worker that leaves at once does it within this time.
    const leftEarly = until(async () => (await workers()) === 0, 'the worker to leave', 1_500);
    await assert.rejects(leftEarly, /in vain/);
    await blocker.query('commit');
    await until(worker.exited, 'its end');
    assert.deepEqual(
      [await workers(), await readValue('select records as value from public.left_with')],
      [0, 1],
      'it left with its record stored',
    );
    assert.deepEqual(await readRecords(), [{ status: 'completed', calls: 1, tokens: 15 }]);
    await owner.query('select chaperone.look_for_lost_calls()');
    assert.deepEqual([await intents(), await jobs()], [0, 0]);
    await owner.query('drop function public.note_leaving() cascade; drop table public.left_with');
  });

  it('are neither lost nor doubled where it is cut off from the database and comes back', async (t) => {
    const before = await readRecords();
    const relay = await startRelay(t, Number(new URL(stack.database.url).port));
    const cutOff = await makeWorkerProcess(t, stack, relay.port);
    await cutOff.start();
    await addJobOf(owner, acme, { task: 'one-call', id: 'row' });
    await until(() => held.length === 1, 'its call');
    await relay.close();
    const other = await makeWorkerProcess(t, stack);
    await other.start();
    await until(() => held.length === 2, 'the call of the one that took the job over');
    answerAll();
    await until(async () => (await jobs()) === 0, 'the job');
    // Its calls are missed, and not given up yet.
    await lookForLostCalls();
    const missed = 'select count(*) as value from chaperone.job_intents where lost_at is not null';
    assert.equal(await readValue(missed), 1);
    await relay.open();
    const records = await until(async () => {
      const now = await readRecords();
      return now[0]?.calls === (before[0]?.calls ?? 0) + 2 && now;
    }, 'the records of both calls');
    assert.deepEqual(records, [{ status: 'completed', calls: 3, tokens: 45 }]);
    await lookForLostCalls();
    assert.equal(await intents(), 0);
    assert.deepEqual(await readRecords(), records);
    assert.equal(provider.requests.length, 3, 'the provider’s count');
  });

  it('are made, whatever the time that credentials take to come', async (t) => {
    const worker = await makeWorkerProcess(t, stack, Number(new URL(stack.database.url).port));
    const credentials = join(worker.credentialsDirectory, `${acme}.json`);
    await rename(credentials, `${credentials}.later`);
    await worker.start();
    const id = await addJobOf(owner, acme, { task: 'one-call', id: 'row', attempts: 1 });
    await until(async () => {
      const { rows } = await owner.query<{ failure: string | null }>(
        'select last_error as failure from graphile_worker._private_jobs where id = $1',
        [id],
      );
      return rows[0]?.failure?.startsWith('organization_unavailable');
    }, 'an attempt without credentials');
    await rename(`${credentials}.later`, credentials);
    await until(() => held.length === 1, 'the call');
    answerAll();
    await until(async () => (await jobs()) === 0, 'the job');
  });
});
