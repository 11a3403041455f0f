import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { isNetwork, makeMayConnectPublic } from '../../../proxy/egress/addresses.ts';
import { sendToWebhook, type WebhookRequest } from '../../../worker/webhooks/send.ts';
import { signDelivery } from '../../../worker/webhooks/sign.ts';
import { suiteScope } from '../../scope.ts';
import { type Receiver, startReceiver } from './receiver.ts';

describe('a request to a webhook', () => {
  const scope = suiteScope();
  let receiver: Receiver;
  let other: Receiver;

  before(async () => {
    receiver = await startReceiver(scope);
    other = await startReceiver(scope);
  });

  const send = (url: string, changes: Partial<WebhookRequest> = {}) =>
    sendToWebhook({
      ...{ url, headers: { 'x-mark': 'one' }, body: '{}', networks: ['127.0.0.0/8'], egress: undefined },
      ...{ signal: new AbortController().signal, ...changes },
    });

  test('reaches a network that is allowed', async () => {
    const { status, failure } = await send(`${receiver.url}/a?b=c`);
    assert.deepEqual({ status, failure }, { status: 204, failure: undefined });
    const [got] = receiver.received;
    assert.deepEqual(
      [got?.path, got?.body, got?.headers['x-mark'], got?.headers['content-type']],
      ['/a?b=c', '{}', 'one', 'application/json'],
    );
  });

  for (const [what, url, networks] of [
    ['a literal address', 'https://127.0.0.1:PORT', []],
    ['a name that leads there', 'https://localhost:PORT', []],
    ['an address in IPv6 clothes', 'https://[::ffff:127.0.0.1]:PORT', []],
    ['a decimal address', 'https://2130706433:PORT', []],
    ['http beyond the networks', 'http://localhost:PORT', ['10.0.0.0/8']],
    ['a network that is none', 'http://127.0.0.1:PORT', ['127.0.0.0/99']],
    ['an address of the metadata service', 'https://169.254.169.254', []],
  ] as const) {
    test(`never connects to ${what}`, async () => {
      const before = receiver.connections();
      const { status, failure } = await send(url.replace('PORT', String(receiver.port)), { networks });
      assert.deepEqual([status, failure?.code], [null, 'webhook_forbidden']);
      assert.match(failure?.message ?? '', /webhookNetworks/);
      assert.equal(receiver.connections(), before);
    });
  }

  test('follows no redirect', async () => {
    receiver.answer = (response) => void response.writeHead(307, { location: other.url }).end();
    const { status, failure } = await send(receiver.url);
    assert.deepEqual([status, failure?.code], [307, 'webhook_redirects']);
    assert.equal(other.connections(), 0);
  });

  test('says that nobody answers', async () => {
    const { failure } = await send('http://127.0.0.1:1');
    assert.deepEqual(failure, { code: 'webhook_unreachable', message: 'The webhook cannot be reached (ECONNREFUSED)' });
  });

  test('ends with its job', async () => {
    receiver.answer = () => {};
    const job = new AbortController();
    const sent = send(receiver.url, { signal: job.signal });
    job.abort(new Error('the job is over'));
    await assert.rejects(sent, /the job is over/);
  });
});

test('which addresses are public', () => {
  const isPublic = makeMayConnectPublic([]);
  const all = [
    ...['10.1.2.3', '172.31.0.1', '192.168.1.1', '100.64.0.1', '127.0.0.1', '0.0.0.0', '169.254.169.254', '198.19.0.1'],
    ...['::1', '::', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1', '64:ff9b::10.0.0.1', '2002:7f00:1::', '::127.0.0.1'],
    ...['224.0.0.1', '255.255.255.255', 'localhost', ''],
  ];
  assert.deepEqual(all.filter(isPublic), []);
  assert.deepEqual(
    ['1.1.1.1', '172.32.0.1', '2606:4700::1', '::ffff:8.8.8.8'].filter((one) => !isPublic(one)),
    [],
  );
  assert.deepEqual(['10.1.2.3', '10.2.0.1'].map(makeMayConnectPublic(['10.1.0.0/16'])), [true, false]);
  assert.deepEqual(['10.0.0.0/8', '::1/128', '10.0.0.0/33', 'a/8', '10.0.0.0', '1.2.3.4/8/8'].map(isNetwork), [
    ...[true, true, false, false, false, false],
  ]);
});

test('the signatures are those of the specifications', () => {
  // The example of the Standard Webhooks specification's reference libraries.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const delivery = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestampS: 1614265330, body: '{"test": 2432232314}' };
  const headers = signDelivery(delivery, [secret, 'a plain secret']);
  const [first, second] = String(headers['webhook-signature']).split(' ');
  assert.equal(first, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  const signed = createHmac('sha256', 'a plain secret').update(`${delivery.id}.1614265330.${delivery.body}`);
  assert.equal(second, `v1,${signed.digest('base64')}`);
  assert.equal(headers['webhook-id'], delivery.id);
  assert.equal(headers['webhook-timestamp'], '1614265330');
  const hex = (key: string) => `sha256=${createHmac('sha256', key).update(delivery.body).digest('hex')}`;
  assert.equal(headers['x-webhook-signature'], hex(secret));
  assert.equal(headers['x-webhook-signature-previous'], hex('a plain secret'));
  assert.equal('x-webhook-signature-previous' in signDelivery(delivery, [secret]), false);
});
