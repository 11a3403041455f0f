import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import OpenAI from 'openai';
import { emitEventOf } from '../../../database/webhook-events.ts';
import { connect } from '../../database/tenant.ts';
import { type Ask, makeAsk } from '../../proxy/surfaces/governance/ask.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';
import { type Receiver, startReceiver, stateWebhook } from './receiver.ts';
import { startStackWorker } from './start.ts';

const scope = suiteScope();
let receiver: Receiver;
let stack: Stack;
let ask: Ask;

before(async () => {
  receiver = await startReceiver(scope);
  const stated = {
    ...{ name: 'stated', url: `${receiver.url}/stated`, events: ['budget.warning'] },
    secretRef: { name: 'webhook', key: 'secret' },
  };
  stack = await startStack(scope, { prepare: (directory) => stateWebhook(directory, stated) });
  ask = makeAsk(stack);
  await startStackWorker(scope, stack);
});

const verify = (secret: string, { body, headers }: Receiver['received'][number]) =>
  new OpenAI({ apiKey: 'x', webhookSecret: secret }).webhooks.verifySignature(body, headers as Record<string, string>);

test('an admin makes, tests, changes, rotates and deletes a webhook', async () => {
  const made = await ask('POST', '/webhooks', { name: 'mine', url: `${receiver.url}/mine` });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { id, secret } = made.body;
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.deepEqual(
    [made.body.events, made.body.is_active, made.body.managed_by, made.body.disabled_at],
    [null, true, null, null],
  );
  assert.equal('secret' in (await ask('GET', `/webhooks/${id}`)).body, false);

  const sent = await ask('POST', `/webhooks/${id}/test`);
  assert.equal(sent.status, 202);
  const told = await until(() => receiver.received.find(({ path }) => path === '/mine'), 'the test');
  assert.deepEqual(told.json.data, { webhook_id: id, name: 'mine' });
  assert.equal(told.json.event, 'webhook.test');
  await verify(secret, told);
  const delivery = await until(async () => {
    const { body } = await ask('GET', `/webhooks/${id}/deliveries?state=delivered`);
    return body.deliveries[0];
  }, 'the delivery log');
  assert.deepEqual(
    [delivery.id, delivery.event_id, delivery.attempts, delivery.last_status, delivery.last_error],
    [sent.body.delivery_id, told.headers['webhook-id'], 1, 204, null],
  );

  const rotated = await ask('POST', `/webhooks/${id}/rotate`, { overlap_seconds: 600 });
  assert.notEqual(rotated.body.secret, secret);
  await ask('POST', `/webhooks/${id}/test`);
  await until(() => receiver.received.filter(({ path }) => path === '/mine').length === 2, 'the second test');
  const second = receiver.received.findLast(({ path }) => path === '/mine');
  assert.ok(second);
  await verify(secret, second);
  await verify(rotated.body.secret, second);
  const ended = await ask('POST', `/webhooks/${id}/rotate`, {
    overlap_seconds: 0,
    secret: 'a-secret-of-our-own-choice',
  });
  assert.equal(ended.body.secret, 'a-secret-of-our-own-choice');
  await ask('POST', `/webhooks/${id}/test`);
  await until(() => receiver.received.filter(({ path }) => path === '/mine').length === 3, 'the third test');
  const third = receiver.received.findLast(({ path }) => path === '/mine');
  assert.equal(String(third?.headers['webhook-signature']).split(' ').length, 1, 'no overlap');

  const changed = await ask('PATCH', `/webhooks/${id}`, { events: ['analysis.failed'], is_active: false });
  assert.deepEqual([changed.status, changed.body.events, changed.body.is_active], [200, ['analysis.failed'], false]);
  const owner = await connect(scope, stack.database.url);
  const { rows } = await owner.query<{ id: string }>('select organization_id as id from chaperone.organizations');
  const emit = () =>
    emitEventOf(owner, rows[0]?.id ?? '', {
      ...{ type: 'analysis.failed', subject: 'analysis/1', userId: null },
      data: {
        ...{ analysis_id: '1', conversation_id: 'c', branch_id: 'main', template: 'summary' },
        error: { code: 'x', message: 'y' },
      },
    });
  assert.equal(await emit(), 0, 'one is inactive, and the other wants other events');
  await ask('PATCH', `/webhooks/${id}`, { is_active: true });
  assert.equal(await emit(), 1);

  const { body: audit } = await ask('GET', '/audit?limit=100');
  const entries = JSON.stringify(audit);
  assert.ok(entries.includes(`Webhook/${id}`));
  assert.ok(!entries.includes(rotated.body.secret) && !entries.includes('a-secret-of-our-own-choice'));
  assert.equal((await ask('DELETE', `/webhooks/${id}`)).body.deleted, true);
  assert.equal((await ask('GET', `/webhooks/${id}`)).status, 404);
});

test('those of the Organization are shown and cannot be changed', async () => {
  const { body } = await ask('GET', '/webhooks');
  const stated = body.webhooks.find(({ name }: { name: string }) => name === 'stated');
  assert.deepEqual([stated.managed_by, stated.events], ['Organization acme', ['budget.warning']]);
  for (const [method, path, change] of [
    ['PATCH', '', { is_active: false }],
    ['DELETE', '', undefined],
    ['POST', '/rotate', {}],
  ] as const) {
    const { status, body: refused } = await ask(method, `/webhooks/${stated.id}${path}`, change);
    assert.deepEqual([status, refused.error.code], [409, 'owned_by_resource'], `${method} ${path}`);
  }
  assert.equal((await ask('POST', `/webhooks/${stated.id}/test`)).status, 202);
  await until(() => receiver.received.some(({ path }) => path === '/stated'), 'the test');
});

test('what is wrong is refused', async () => {
  for (const [url, status] of [
    ['ftp://example.com', 400],
    ['https://user:secret@example.com', 400],
    ['https://example.com/#part', 400],
    ['nowhere', 400],
  ] as const) {
    const refused = await ask('POST', '/webhooks', { name: 'wrong', url });
    assert.deepEqual([refused.status, refused.body.error.param], [status, 'url'], url);
  }
  const taken = await ask('POST', '/webhooks', { name: 'stated', url: 'https://example.com' });
  assert.deepEqual([taken.status, taken.body.error.code], [409, 'name_taken']);
  assert.equal((await ask('POST', '/webhooks', { name: 'x', url: 'https://a.example', events: ['x.y'] })).status, 400);
  assert.equal((await ask('POST', '/webhooks', { name: 'x', url: 'https://a.example', secret: 'short' })).status, 400);
});
