import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamSink } from '../../../../proxy/calls/answer/stream-sink.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import { chat } from '../../../../proxy/providers/openai/chat.ts';
import { makeRecording } from './recording.ts';

const headers = { 'content-type': 'text/event-stream' };
const delta = 'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n';
const finish = 'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n';
const usage = 'data: {"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}\n\n';
const done = 'data: [DONE]\n\n';
const cut = new ProxyError('upstream_interrupted');
const cutWords =
  'cut : upstream_interrupted: Error processing request: the answer of the provider was cut off; try again';

/** What comes, and what the client and the account are told of it, in this order. */
const table: readonly {
  readonly name: string;
  readonly chunks: readonly string[];
  readonly ends: 'end' | 'fail';
  readonly hideUsage?: boolean;
  readonly told: readonly string[];
}[] = [
  {
    name: 'is settled before the client has its end',
    chunks: [delta, finish + usage, done],
    ends: 'end',
    told: [`chunk ${delta}`, `chunk ${finish}${usage}`, 'settle completed 3', `chunk ${done}`, 'end'],
  },
  {
    name: 'keeps the usage to itself that the client did not ask for',
    chunks: [finish, usage, done],
    ends: 'end',
    hideUsage: true,
    told: [`chunk ${finish}`, 'settle completed 3', `chunk ${done}`, 'end'],
  },
  {
    name: 'is over by its meaning, without [DONE]',
    chunks: [delta, finish],
    ends: 'end',
    told: [`chunk ${delta}`, `chunk ${finish}`, 'settle completed null', 'end'],
  },
  {
    name: 'that ends early is cut, and says so',
    chunks: [delta],
    ends: 'end',
    told: [`chunk ${delta}`, 'settle upstream_interrupted', cutWords],
  },
  {
    name: 'that fails early is cut, and says so',
    chunks: [delta],
    ends: 'fail',
    told: [`chunk ${delta}`, 'settle upstream_interrupted', cutWords],
  },
  {
    name: 'that fails after its last event is complete',
    chunks: [done],
    ends: 'fail',
    told: ['settle completed null', `chunk ${done}`, 'end'],
  },
];

for (const { name, chunks, ends, hideUsage = false, told } of table) {
  test(`a stream ${name}`, () => {
    const recording = makeRecording();
    const reader = chat.readStream({ hideUsage, keepOutput: false, body: {} });
    const sink = new StreamSink(reader, recording.observer, recording.client);
    sink.head(200, headers);
    for (const chunk of chunks) sink.chunk(Buffer.from(chunk));
    if (ends === 'end') sink.end();
    else sink.fail(cut);
    assert.deepEqual(recording.told, [`head 200 ${JSON.stringify(headers)}`, ...told]);
  });
}

test('a stream waits for a slow client, but not with bytes that the client does not get', () => {
  const recording = makeRecording({ takesMore: false });
  const reader = chat.readStream({ hideUsage: true, keepOutput: false, body: {} });
  const sink = new StreamSink(reader, recording.observer, recording.client);
  sink.head(200, headers);
  assert.equal(sink.chunk(Buffer.from(delta)), false);
  assert.equal(sink.chunk(Buffer.from(usage)), true);
});
