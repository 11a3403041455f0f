import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { ProxyError } from '../../../proxy/error.ts';
import type { AnswerSink } from '../../../proxy/providers/answer-sink.ts';
import type { Exchange, Sent } from '../../../proxy/providers/exchange.ts';
import { readWhole, relay } from '../../../proxy/providers/relay.ts';
import { makeKey } from '../snapshot.ts';

const request = {
  method: 'GET',
  path: '/files/file-1',
  key: makeKey('c1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8091'),
  headers: {},
  body: undefined,
} as const;
const noShare = { addAnswer: () => {} };

/** An exchange whose answers are given by hand. */
function makeExchange() {
  const told: string[] = [];
  let sink: AnswerSink | undefined;
  const sent: Sent = {
    resume: () => told.push('resume'),
    drop: () => told.push('drop'),
    abort(reason) {
      told.push(`abort ${reason.message}`);
    },
  };
  const exchange: Exchange = (_, given) => {
    sink = given;
    return sent;
  };
  return { exchange, told, sink: () => sink ?? assert.fail() };
}

test('an answer is there with its head, and is read to its end', async () => {
  const { exchange, sink } = makeExchange();
  const relayed = relay(exchange, { ...request, signal: new AbortController().signal });
  sink().head(404, { 'content-type': 'application/json' });
  const answer = await relayed;
  assert.equal(answer.status, 404);
  sink().chunk(Buffer.from('{}'));
  sink().end(Buffer.from(' '));
  assert.equal(String(await readWhole(answer, noShare)), '{} ');
});

test('a missing answer is an error', async () => {
  const { exchange, sink } = makeExchange();
  const relayed = relay(exchange, { ...request, signal: new AbortController().signal });
  sink().fail(new ProxyError('upstream_timeout'));
  await assert.rejects(relayed, { code: 'upstream_timeout' });
});

test('a redirect is not followed', () => {
  const { exchange, sink } = makeExchange();
  void relay(exchange, { ...request, signal: new AbortController().signal });
  assert.throws(() => sink().head(302, {}), { code: 'upstream_invalid_response' });
});

test('an answer that breaks off fails its reader, and does no harm without one', async () => {
  const { exchange, sink } = makeExchange();
  const relayed = relay(exchange, { ...request, signal: new AbortController().signal });
  sink().head(200, {});
  sink().fail(new ProxyError('upstream_interrupted'));
  const answer = await relayed;
  await assert.rejects(buffer(answer.body), { code: 'upstream_interrupted' });
});

test('an answer waits for its reader', async () => {
  const { exchange, told, sink } = makeExchange();
  const relayed = relay(exchange, { ...request, signal: new AbortController().signal });
  sink().head(200, {});
  const answer = await relayed;
  assert.equal(sink().chunk(Buffer.alloc(1_000_000)), false);
  assert.deepEqual(told, []);
  const reading = buffer(answer.body);
  await new Promise(setImmediate);
  assert.deepEqual(told, ['resume']);
  sink().end();
  assert.equal((await reading).byteLength, 1_000_000);
});

test('an answer that nobody reads any more is aborted', async () => {
  const { exchange, told, sink } = makeExchange();
  const leaving = new AbortController();
  const relayed = relay(exchange, { ...request, signal: leaving.signal });
  sink().head(200, {});
  leaving.abort(new Error('gone'));
  assert.deepEqual(told, ['abort gone']);
  (await relayed).body.destroy();
  await new Promise(setImmediate);
  assert.deepEqual(told, ['abort gone', 'abort Nobody reads the answer']);
});

test('a request that is already aborted when it is made fails at once', () => {
  const { exchange, told } = makeExchange();
  void relay(exchange, { ...request, signal: AbortSignal.abort(new Error('gone')) });
  assert.deepEqual(told, ['abort gone']);
});

test('an answer that exceeds its size limit is an error', async () => {
  const { exchange, sink } = makeExchange();
  const relayed = relay(exchange, { ...request, signal: new AbortController().signal });
  sink().head(200, {});
  sink().chunk(Buffer.alloc(11));
  await assert.rejects(readWhole(await relayed, noShare, 10), { code: 'upstream_invalid_response' });
});
