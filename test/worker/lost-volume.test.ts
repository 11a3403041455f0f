import assert from 'node:assert/strict';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import OpenAI from 'openai';
import type { Client } from 'pg';
import { parseDocument } from 'yaml';
import { addJobOf, listJobs } from '../../database/jobs.ts';
import { connect } from '../database/tenant.ts';
import { replaceFile } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { type ScriptedProvider, sendJson, startScriptedProvider } from '../scripted-provider.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { makeWorkerProcess } from './worker-process.ts';

/** A call with unknown usage counts its upper bound, so the limit must not be in its way. */
const limits = [
  { name: 'all', requests: { count: 100_000, window: '24h' }, tokens: { count: 100_000_000, window: '24h' } },
];
const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Good.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
};

const scope = suiteScope();
let provider: ScriptedProvider;
let stack: Stack;
let owner: Client;
let acme: string;

const answer = () => {
  provider.answer = (response) => sendJson(response, completion);
};

before(async () => {
  provider = await startScriptedProvider(scope);
  answer();
  const prepare = async (directory: string) => {
    const file = join(directory, 'organization.yaml');
    const document = parseDocument(await readFile(file, 'utf8'));
    document.setIn(['spec', 'limits'], limits);
    await replaceFile(file, document.toString());
  };
  stack = await startStack(scope, { upstreamUrl: provider.url, prepare });
  owner = await connect(scope, stack.database.url);
  const { rows } = await owner.query<{ id: string }>('select organization_id as id from chaperone.organizations');
  acme = rows[0]?.id ?? '';
});

const headers = () => ({ 'x-api-key': stack.token, 'x-user-id': 'auditor', 'content-type': 'application/json' });

/** Asks for an analysis of a new conversation. @returns reads it */
async function askForAnalysis(content: string) {
  const client = new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.token, maxRetries: 0 });
  const { response } = await client.chat.completions
    .create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] }, { headers: { 'X-User-ID': 'bob' } })
    .withResponse();
  const conversationId = response.headers.get('x-conversation-id') ?? '';
  return {
    async begin() {
      const body = JSON.stringify({ conversationId, branchId: 'main' });
      const made = await fetch(new URL('/api/analyses', stack.baseUrl), { method: 'POST', headers: headers(), body });
      assert.equal(made.status, 201);
    },
    async read() {
      const path = `/api/analyses/${conversationId}/main`;
      const found = await fetch(new URL(path, stack.baseUrl), { headers: headers() });
      return (await found.json()) as { status: string; content: string | null };
    },
  };
}

/** What the records say of all calls. */
async function readRecords() {
  const { rows } = await owner.query<
    Record<'status' | 'code' | 'cost', string | null> & Record<'calls' | 'tokens', number>
  >(
    `select status, error_code as code, max(cost_usd)::text is not null as cost, count(*)::integer as calls,
       coalesce(sum(total_tokens), 0)::integer as tokens
     from chaperone.requests where kind = 'analysis' group by 1, 2 order by 1`,
  );
  return rows;
}

const readValue = async (sql: string) => Number((await owner.query<{ value: unknown }>(sql)).rows[0]?.value);

/** What the limits count, as the front door shows it. */
async function readUsed(): Promise<Record<string, number>> {
  const found = await fetch(new URL('/v1/limits', stack.baseUrl), { headers: headers() });
  const { limits: figures } = (await found.json()) as { limits: { name: string; unit: string; used: number }[] };
  return Object.fromEntries(figures.filter(({ name }) => name === 'all').map(({ unit, used }) => [unit, used]));
}

const left = async () => (await listJobs(owner, { organization: 'acme', isDead: false, limit: 100 })).length;

/** Has the calls of a worker that does not come back settled, as if it had been away for ten minutes. */
async function giveUpLostCalls(calls: number): Promise<void> {
  await owner.query('select chaperone.look_for_lost_calls()');
  const { rowCount } = await owner.query(
    `update chaperone.job_intents set lost_at = lost_at - interval '10 minutes' where lost_at is not null`,
  );
  assert.equal(rowCount, calls);
  await owner.query('select chaperone.look_for_lost_calls()');
}

/** With the analysis, an organization's share of the places of a worker. */
const jobs = 2;

/** Kills a worker in the middle of calls, whose sizes are the same either way. @returns what a call of unknown usage counts */
async function killInTheMiddle(afterwards: 'volume kept' | 'volume gone'): Promise<number> {
  await owner.query('delete from graphile_worker._private_jobs');
  const worker = await makeWorkerProcess(scope, stack);
  const analysis = await askForAnalysis(afterwards);
  const asked = provider.requests.length;
  const recorded = await readRecords();
  provider.answer = () => {};
  await analysis.begin();
  for (let job = 0; job < jobs; job += 1)
    await addJobOf(owner, acme, { task: 'call-of-row', id: `${afterwards.replaceAll(' ', '-')}-${job}` });
  await worker.start();
  const calls = jobs + 1;
  await until(() => provider.requests.length === asked + calls, 'the calls');
  await worker.kill();
  answer();
  const aside = `${worker.dataDirectory}.aside`;
  if (afterwards === 'volume gone') {
    await rename(worker.dataDirectory, aside);
    await mkdir(worker.dataDirectory);
    const other = await makeWorkerProcess(scope, stack);
    await other.start();
  } else await worker.start();

  await until(async () => (await analysis.read()).status === 'completed', 'the analysis');
  assert.equal((await analysis.read()).content, 'Good.');
  await until(async () => (await left()) === 0, 'the jobs');
  const made = provider.requests.length - asked;
  assert.equal(made, 2 * calls, 'each call is made once more');
  const sum = (records: Awaited<ReturnType<typeof readRecords>>) => records.reduce((all, { calls }) => all + calls, 0);
  if (afterwards === 'volume gone') await giveUpLostCalls(calls);
  await until(async () => sum(await readRecords()) - sum(recorded) >= made, 'a record of each call');

  if (afterwards === 'volume gone') {
    // The pod's volume comes back with the same calls.
    await rm(worker.dataDirectory, { recursive: true });
    await rename(aside, worker.dataDirectory);
    await worker.start();
  }
  const records = await readRecords();
  assert.equal(sum(records) - sum(recorded), made, 'the provider’s count');
  for (const { status, code, cost } of records)
    assert.deepEqual([code, cost], status === 'completed' ? [null, true] : ['process_ended', false], String(status));

  const all = await readValue('select count(*) as value from chaperone.requests');
  const known = await readValue('select sum(total_tokens) as value from chaperone.requests');
  const used = await until(async () => {
    const now = await readUsed();
    return now.requests === all && now;
  }, 'each call to count once');
  const unknown = records.find(({ status }) => status === 'interrupted')?.calls ?? 0;
  // It would take jobs of the next test, too.
  await worker.kill();
  return ((used.tokens ?? 0) - known) / unknown;
}

test('a worker whose volume is gone loses no record, and what its calls count is what a proxy’s would', async () => {
  const ofReplay = await killInTheMiddle('volume kept');
  assert.ok(ofReplay > 15, `${ofReplay} tokens`);
  assert.equal(await killInTheMiddle('volume gone'), ofReplay);
});

test('the intents go when their calls have records', async () => {
  await owner.query(`select graphile_worker.add_job('chore:lost-calls')`);
  await until(async () => (await readValue('select count(*) as value from chaperone.job_intents')) === 0, 'them to go');
});
