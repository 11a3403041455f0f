import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import OpenAI from 'openai';
import type { Client } from 'pg';
import { parse } from 'yaml';
import { sendTest } from '../../../cli/webhooks.ts';
import { listJobs } from '../../../database/jobs.ts';
import { listDeliveries } from '../../../database/webhook-deliveries.ts';
import { emitEventOf } from '../../../database/webhook-events.ts';
import { listStatedWebhooks } from '../../../database/webhooks.ts';
import { connect } from '../../database/tenant.ts';
import { makeDirectory } from '../../directories.ts';
import { makeOpenAI } from '../../openai.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';
import { type Receiver, secret, startReceiver, stateSecret, stateWebhook } from './receiver.ts';
import { startStackWorker } from './start.ts';

const scope = suiteScope();
let receiver: Receiver;
let stack: Stack;
let owner: Client;
let acme: string;

before(async () => {
  receiver = await startReceiver(scope);
  const webhook = { name: 'incidents', url: `${receiver.url}/hook`, secretRef: { name: 'webhook', key: 'secret' } };
  const budget = { name: 'month', amountUsd: '0.000001', window: 'Month', warnAt: [50], action: 'Warn' };
  stack = await startStack(scope, {
    prepare: (directory) => stateWebhook(directory, webhook, { budgets: [budget] }),
  });
  owner = await connect(scope, stack.database.url);
  const { rows } = await owner.query<{ id: string }>('select organization_id as id from chaperone.organizations');
  acme = rows[0]?.id ?? '';
  await startStackWorker(scope, stack);
});

const emit = (subject: string, id: string) =>
  emitEventOf(owner, acme, {
    ...{ type: 'analysis.completed', subject, userId: null },
    data: { analysis_id: id, conversation_id: 'c', branch_id: 'main', template: 'summary' },
  });

/** The ids of analyses that the receiver has been told of, in order. */
const idsOf = (subject: string) =>
  receiver.received.flatMap(({ json }) => (json.data.analysis_id?.startsWith(subject) ? [json.data.analysis_id] : []));

async function statusOf(condition: string) {
  const file = join(stack.credentialsDirectory, '../../../status/Organization/acme.yaml');
  const status = parse(await readFile(file, 'utf8').catch(() => '{}'));
  return status?.conditions?.find(({ type }: { type: string }) => type === condition);
}

/** The code of the contract, as it stands there. */
const verifyInPython = `
import hmac
import hashlib
import sys

def verify_webhook(payload, signature, secret):
    expected = hmac.new(
        secret.encode(),
        payload.encode(),
        hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(f"sha256={expected}", signature)

print(verify_webhook(sys.argv[1], sys.argv[2], sys.argv[3]))
`;

test('a budget that is used up tells the webhook, signed as two kinds of receivers expect', async (t) => {
  const client = makeOpenAI(stack);
  await client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello!' }] });
  const told = await until(() => receiver.received.find(({ json }) => json.event === 'budget.warning'), 'the warning');
  const { timestamp, data, ...others } = told.json;
  assert.deepEqual(others, { event: 'budget.warning' });
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const { used_usd: used, window_ends_at: endsAt, ...facts } = data;
  assert.deepEqual(facts, {
    ...{ budget: 'month', binding: null, per: 'Organization', scope: null, percent: 50, amount_usd: '0.000001' },
    action: 'Warn',
  });
  assert.ok(Number(used) >= 0.000001, used);
  assert.ok(Date.parse(endsAt) > Date.now());

  const signature = String(told.headers['x-webhook-signature']);
  const python = spawnSync('python3', ['-c', verifyInPython, told.body, signature, secret], { encoding: 'utf8' });
  if (python.error) t.diagnostic('there is no python3');
  else assert.equal(python.stdout.trim(), 'True');
  const theirs = new OpenAI({ apiKey: 'x', webhookSecret: secret });
  const headers = told.headers as Record<string, string>;
  await theirs.webhooks.verifySignature(told.body, headers);
  await assert.rejects(theirs.webhooks.verifySignature(`${told.body} `, headers), /signature/i);
  const later = { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) };
  await assert.rejects(theirs.webhooks.verifySignature(told.body, later), /signature/i, 'the time is signed');
  const age = Date.now() / 1_000 - Number(headers['webhook-timestamp']);
  assert.ok(age >= 0 && age < 120, `signed ${age} s ago`);
});

test('an analysis that has ended tells the webhook', async () => {
  const client = makeOpenAI(stack);
  const { response } = await client.chat.completions
    .create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Tell me a story' }] })
    .withResponse();
  const conversationId = response.headers.get('x-conversation-id');
  const made = await fetch(new URL('/api/analyses', stack.baseUrl), {
    method: 'POST',
    headers: { 'x-api-key': stack.token, 'x-user-id': 'ada', 'content-type': 'application/json' },
    body: JSON.stringify({ conversationId, branchId: 'main' }),
  });
  assert.equal(made.status, 201, await made.clone().text());
  const { id } = (await made.json()) as { id: string };
  const told = await until(() => receiver.received.find(({ json }) => json.data.analysis_id === id), 'the event');
  const { user_id: userId, ...data } = told.json.data;
  assert.equal(told.json.event, 'analysis.completed');
  assert.deepEqual(data, {
    ...{ analysis_id: id, conversation_id: conversationId, branch_id: 'main', template: 'summary' },
  });
  assert.equal(typeof userId, 'string');
});

test('events about one subject come in order, also after a failure, and others do not wait for them', async () => {
  let attempted = 0;
  receiver.answer = (response, { json }) => {
    // At least once, and until all of the other subject have come.
    const fails = json.data.analysis_id === 'a-0' && (attempted++ === 0 || idsOf('b-').length < 10);
    response.writeHead(fails ? 500 : 204).end();
  };
  for (let number = 0; number < 10; number += 1) {
    await emit('subject-a', `a-${number}`);
    await emit('subject-b', `b-${number}`);
  }
  await until(() => idsOf('b-').length === 10 && idsOf('a-').includes('a-9'), 'all events');
  const numbers = Array.from({ length: 10 }, (_, number) => number);
  const repeats = Array.from({ length: attempted - 1 }, () => 'a-0');
  assert.deepEqual(idsOf('a-'), [...repeats, ...numbers.map((number) => `a-${number}`)]);
  assert.deepEqual(
    idsOf('b-'),
    numbers.map((number) => `b-${number}`),
  );
  const attempts = receiver.received.filter(({ json }) => json.data.analysis_id === 'a-0');
  assert.ok(attempts.length > 1);
  assert.equal(new Set(attempts.map(({ headers }) => headers['webhook-id'])).size, 1, 'each attempt has the same id');
  assert.equal(new Set(attempts.map(({ body }) => body)).size, 1, 'and the same body');
});

test('an event whose transaction is rolled back is never sent', async () => {
  await owner.query('begin');
  assert.equal(await emit('subject-c', 'c-0'), 1);
  await owner.query('rollback');
  await emit('subject-c', 'c-1');
  await until(() => idsOf('c-').length > 0, 'the other event');
  assert.deepEqual(idsOf('c-'), ['c-1']);
});

test('a replaced secret signs beside the new one', async () => {
  const next = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
  await stateSecret(stack.directory, next);
  const webhookIds = async () => (await listStatedWebhooks(owner, acme)).map(({ updatedAt }) => updatedAt.getTime());
  const [former = 0] = await webhookIds();
  await until(async () => ((await webhookIds())[0] ?? 0) > former, 'the operator');
  await emit('subject-d', 'd-0');
  const told = await until(() => receiver.received.find(({ json }) => json.data.analysis_id === 'd-0'), 'the event');
  for (const one of [secret, next]) {
    await new OpenAI({ apiKey: 'x', webhookSecret: one }).webhooks.verifySignature(
      told.body,
      told.headers as Record<string, string>,
    );
  }
  const hexOf = (key: string) =>
    `sha256=${execFileSync('openssl', ['dgst', '-sha256', '-hmac', key, '-r'], { input: told.body }).toString().split(' ')[0]}`;
  assert.equal(told.headers['x-webhook-signature'], hexOf(next));
  assert.equal(told.headers['x-webhook-signature-previous'], hexOf(secret));
});

/** Waits for the end of what is under way, so that it changes nothing later. */
const settled = () =>
  until(async () => {
    const jobs = await listJobs(owner, { organization: 'acme', isDead: false, limit: 100 });
    return jobs.every(({ state }) => state === 'dead');
  }, 'the jobs to end');

test('one that fails for days is disabled, with a condition; a delivered test ends that', async () => {
  await settled();
  receiver.answer = (response) => void response.writeHead(503).end();
  await owner.query(
    `insert into chaperone.webhook_states as s (organization_id, webhook_id, failing_since)
     select organization_id, webhook_id, now() - interval '73 hours' from chaperone.webhooks
     on conflict (organization_id, webhook_id) do update set failing_since = excluded.failing_since`,
  );
  await emit('subject-e', 'e-0');
  const webhook = await until(async () => {
    const [one] = await listStatedWebhooks(owner, acme);
    return one?.disabledAt ? one : undefined;
  }, 'the webhook to be disabled');
  assert.equal(webhook.reason, 'webhook_refused: The webhook answered 503');
  const condition = await until(async () => {
    const one = await statusOf('WebhooksDeliverable');
    return one?.status === 'False' && one;
  }, 'the condition');
  assert.equal(condition.reason, 'WebhookDisabled');
  assert.equal(await emit('subject-e', 'e-1'), 0, 'nothing is kept for it');

  const databaseUrlFile = join(await makeDirectory(scope), 'url');
  await writeFile(databaseUrlFile, stack.database.url);
  const test = () => sendTest({ name: 'incidents', waitMs: 60_000, databaseUrlFile }, {});
  await assert.rejects(test(), /was not delivered: webhook_refused: The webhook answered 503/);
  receiver.answer = (response) => void response.writeHead(200).end('thanks');
  await test();
  await until(async () => (await statusOf('WebhooksDeliverable'))?.status === 'True', 'the condition to end');
  assert.equal(await emit('subject-f', 'f-0'), 1);
  await until(() => idsOf('f-').length > 0, 'the next event');
});

test('a receiver that is gone makes a dead letter at once, and the next event of the subject goes on', async () => {
  await settled();
  let isGone = true;
  receiver.answer = (response) => {
    response.writeHead(isGone ? 410 : 204).end();
  };
  await emit('subject-g', 'g-0');
  const [dead] = await until(async () => {
    const jobs = await listJobs(owner, { organization: 'acme', isDead: true, limit: 10 });
    const gone = jobs.filter(({ lastError }) => lastError?.startsWith('webhook_gone'));
    return gone.length > 0 && gone;
  }, 'the dead letter');
  assert.equal(dead?.lastError, 'webhook_gone: The webhook answered 410: it wants no more deliveries');
  const [row] = await listStatedWebhooks(owner, acme);
  const log = await until(async () => {
    const { deliveries } = await listDeliveries(owner, acme, row?.webhookId ?? '', {
      ...{ state: 'dead', limit: 10, offset: 0 },
    });
    return deliveries.find(({ lastStatus }) => lastStatus === 410);
  }, 'the delivery log');
  assert.equal(log.attempts, 1);
  isGone = false;
  await settled();
  await owner.query('delete from chaperone.webhook_states');
  await emit('subject-g', 'g-1');
  await until(() => idsOf('g-').includes('g-1'), 'the next event');
});
