import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WholeSink } from '../../../../proxy/calls/answer/whole-sink.ts';
import type { Call } from '../../../../proxy/calls/call.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import { chat } from '../../../../proxy/operations/chat.ts';
import type { Operation } from '../../../../proxy/operations/operation.ts';
import { responses } from '../../../../proxy/operations/responses.ts';
import { simpleResponses } from '../../../../proxy/operations/simple-responses.ts';
import { formatOf, providerTable } from '../../../../proxy/providers/table.ts';
import { provider } from '../../snapshot.ts';
import { makeCall } from '../call.ts';
import { makeRecording } from './recording.ts';

const answer = '{"id":"chatcmpl-1","usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}';
const error = '{"error":{"code":"context_length_exceeded"}}';
const background = '{"id":"resp_1","status":"queued","background":true}';
const response = '{"id":"resp_1","output":[],"status":"completed"}';
const simple = '{"id":"resp_1","status":"completed","content":[{"text":""}],"usage":null}';
const json = { 'content-type': 'application/json' };
const withLength = (text: string) => JSON.stringify({ ...json, 'content-length': String(text.length) });

/** What comes, and what the client and the account are told of it, in this order. */
const table: readonly {
  readonly name: string;
  readonly operation?: Operation;
  readonly body?: Call['body'];
  readonly status?: number;
  readonly chunks: readonly string[];
  readonly told: readonly string[];
}[] = [
  {
    name: 'is settled before the client has any of it',
    chunks: [answer.slice(0, 9), answer.slice(9)],
    told: ['settle completed 3', `head 200 ${withLength(answer)}`, `end ${answer}`],
  },
  {
    name: 'with the status of an error is a failure, and the client has it as it is',
    status: 400,
    chunks: [error],
    told: ['settle failed null', `head 400 ${withLength(error)}`, `end ${error}`],
  },
  {
    name: 'that cannot be read is none',
    chunks: ['<html>'],
    told: ['settle upstream_invalid_response', 'refuse upstream_invalid_response'],
  },
  {
    name: 'that leads elsewhere is none',
    status: 302,
    chunks: ['{}'],
    told: ['settle upstream_invalid_response', 'refuse upstream_invalid_response'],
  },
  {
    name: 'begins where its provider sends blanks to keep the connection alive',
    chunks: [' \n', answer],
    told: [`head 200 ${JSON.stringify(json)}`, 'chunk  \n', 'settle completed 3', `end ${answer}`],
  },
  {
    name: 'of a call in the background is noted before the client has its id',
    operation: responses,
    body: { background: true },
    chunks: [background],
    told: ['defer resp_1', 'settle completed null', `head 200 ${withLength(background)}`, `end ${background}`],
  },
  {
    name: 'has the shape that the caller asked for',
    operation: simpleResponses,
    chunks: [response],
    told: ['settle completed null', `head 200 ${withLength(simple)}`, `end ${simple}`],
  },
];

function makeSink(recording: ReturnType<typeof makeRecording>, operation: Operation, body: Call['body'] = {}) {
  const held: number[] = [];
  const call = makeCall({ body });
  const sink = new WholeSink({
    call,
    operation,
    format: formatOf(providerTable, provider, operation.name),
    share: { addAnswer: (bytes) => held.push(bytes) },
    observer: recording.observer,
    client: recording.client,
  });
  return { sink, held };
}

for (const { name, operation = chat, body, status = 200, chunks, told } of table) {
  test(`a whole answer ${name}`, () => {
    const recording = makeRecording();
    const { sink } = makeSink(recording, operation, body);
    sink.head(status, json);
    for (const chunk of chunks) sink.chunk(Buffer.from(chunk));
    sink.end();
    assert.deepEqual(recording.told, told);
  });
}

test('a whole answer that fails is refused', () => {
  const recording = makeRecording();
  const { sink } = makeSink(recording, chat);
  sink.head(200, json);
  sink.chunk(Buffer.from(answer.slice(0, 9)));
  sink.fail(new ProxyError('upstream_interrupted'));
  assert.deepEqual(recording.told, ['settle upstream_interrupted', 'refuse upstream_interrupted']);
});

test('the memory of a whole answer is counted', () => {
  const { sink, held } = makeSink(makeRecording(), chat);
  sink.head(200, json);
  sink.chunk(Buffer.from(answer));
  assert.deepEqual(held, [answer.length * 3]);
});

test('a stored answer can be replayed through the same sinks', () => {
  const recording = makeRecording();
  const { sink } = makeSink(recording, chat);
  sink.head(200, json);
  sink.end(Buffer.from(answer));
  assert.deepEqual(recording.told, ['settle completed 3', `head 200 ${withLength(answer)}`, `end ${answer}`]);
});
