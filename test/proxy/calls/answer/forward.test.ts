import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { forward } from '../../../../proxy/calls/answer/forward.ts';
import type { Attempt } from '../../../../proxy/calls/attempt.ts';
import type { Outcome } from '../../../../proxy/calls/call.ts';
import { nothingReserved } from '../../../../proxy/calls/reserve/reserve.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import { makeInFlight } from '../../../../proxy/in-flight.ts';
import { chat } from '../../../../proxy/operations/chat.ts';
import type { AnswerSink } from '../../../../proxy/providers/answer-sink.ts';
import type { Exchange } from '../../../../proxy/providers/exchange.ts';
import { chat as format } from '../../../../proxy/providers/openai/chat.ts';
import { makeRecord } from '../../../request-record.ts';
import { atEnd } from '../../../scope.ts';
import { makeCall } from '../call.ts';

const json = { 'content-type': 'application/json' };
const refusal = '{"error":{"message":"Unknown field: stream_options"}}';
const answer = '{"id":"chatcmpl-1","choices":[]}';
const stream =
  'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';

/** What a provider does with one attempt. */
type Step = (sink: AnswerSink) => void;

const answers =
  (status: number, text: string, type = 'application/json'): Step =>
  (sink) => {
    sink.head(status, { 'content-type': type });
    sink.chunk(Buffer.from(text));
    sink.end();
  };
const fails: Step = (sink) => sink.fail(new ProxyError('upstream_unreachable'));
const breaksOff: Step = (sink) => {
  sink.head(200, json);
  sink.chunk(Buffer.from(answer.slice(0, 9)));
  sink.fail(new ProxyError('upstream_interrupted'));
};
const sendsBlanksFirst: Step = (sink) => {
  sink.head(200, json);
  sink.chunk(Buffer.from('\n'));
  sink.chunk(Buffer.from(refusal));
  sink.end();
};

/** Forwards a call whose provider does these things, one an attempt. Another attempt is wanted after each refusal. */
async function run(t: TestContext, steps: readonly Step[], settleProblem?: ProxyError) {
  const bodies: unknown[] = [];
  const taken: string[] = [];
  const settled: Outcome[] = [];
  let ends = 0;
  const exchange: Exchange = ({ body }, sink) => {
    bodies.push(body);
    const step = steps[bodies.length - 1] ?? assert.fail('one attempt too many');
    process.nextTick(() => step(sink));
    return { resume() {}, abort() {}, drop() {} };
  };
  const { key } = makeCall();
  const attempt = (body: string): Attempt => ({
    key,
    format,
    model: undefined,
    body,
    hideUsage: false,
    onTaken: () => taken.push(body),
  });
  const server = createServer((_request: IncomingMessage, response: ServerResponse) => {
    forward(exchange, {
      call: makeCall(),
      operation: chat,
      account: {
        sealInput() {},
        defer() {},
        replaced() {},
        withdraw() {},
        settle(outcome, onWritten) {
          settled.push(outcome);
          if (settleProblem) onWritten(settleProblem);
          else setImmediate(onWritten);
        },
        isSettled: () => settled.length > 0,
        costUsd: () => null,
        move() {},
        intent: () => makeRecord(''),
      },
      reservation: nothingReserved,
      first: attempt('first'),
      next: (failed, { text }) =>
        failed.body === 'first' && text.includes('stream_options')
          ? { attempt: attempt('second'), delayMs: 0 }
          : undefined,
      holdsStart: false,
      health: undefined,
      keepOutput: false,
      headers: {},
      response,
      responseHeaders: {},
      refuse: ({ status, code }) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(status).end(code);
      },
      drainMs: 1_000,
      share: makeInFlight(1_000_000).open(),
      onEnd: () => {
        ends += 1;
      },
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(t, () => server.close().closeAllConnections());
  const request = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false });
  const [response] = await once(request, 'response');
  const text = await buffer(response).then(String, () => 'cut');
  return { status: response.statusCode, text, bodies, taken, outcomes: settled.map(({ status }) => status), ends };
}

/** What the client gets, of which attempts, and how its one call is settled. */
const table: readonly {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly attempts: readonly string[];
  readonly taken: readonly string[];
  readonly gets: readonly [status: number, text: string];
  readonly outcome: Outcome['status'];
}[] = [
  {
    name: 'an answer is the client’s',
    steps: [answers(200, answer)],
    attempts: ['first'],
    taken: ['first'],
    gets: [200, answer],
    outcome: 'completed',
  },
  {
    name: 'an answer in any script is the client’s, byte by byte',
    steps: [answers(200, '{"id":"chatcmpl-1","choices":["naïve ẞ 漢字 🙂"]}')],
    attempts: ['first'],
    taken: ['first'],
    gets: [200, '{"id":"chatcmpl-1","choices":["naïve ẞ 漢字 🙂"]}'],
    outcome: 'completed',
  },
  {
    name: 'another attempt takes the place of one that was refused',
    steps: [answers(400, refusal), answers(200, answer)],
    attempts: ['first', 'second'],
    taken: ['second'],
    gets: [200, answer],
    outcome: 'completed',
  },
  {
    name: 'another attempt may be answered by a stream',
    steps: [answers(400, refusal), answers(200, stream, 'text/event-stream')],
    attempts: ['first', 'second'],
    taken: ['second'],
    gets: [200, stream],
    outcome: 'completed',
  },
  {
    name: 'there is one other attempt, and no more',
    steps: [answers(400, refusal), answers(400, refusal)],
    attempts: ['first', 'second'],
    taken: [],
    gets: [400, refusal],
    outcome: 'failed',
  },
  {
    name: 'a refusal of something else is the client’s',
    steps: [answers(400, '{"error":{"message":"No"}}')],
    attempts: ['first'],
    taken: [],
    gets: [400, '{"error":{"message":"No"}}'],
    outcome: 'failed',
  },
  {
    name: 'what the client has the beginning of, it gets the end of',
    steps: [sendsBlanksFirst],
    attempts: ['first'],
    taken: ['first'],
    gets: [200, `\n${refusal}`],
    outcome: 'failed',
  },
  {
    name: 'a provider that cannot be reached is a refusal of ours',
    steps: [fails],
    attempts: ['first'],
    taken: [],
    gets: [502, 'upstream_unreachable'],
    outcome: 'failed',
  },
  {
    name: 'an other attempt that cannot be made is one, too',
    steps: [answers(400, refusal), fails],
    attempts: ['first', 'second'],
    taken: [],
    gets: [502, 'upstream_unreachable'],
    outcome: 'failed',
  },
  {
    name: 'of an answer that breaks off before it is whole, the client gets nothing',
    steps: [breaksOff],
    attempts: ['first'],
    taken: ['first'],
    gets: [502, 'upstream_interrupted'],
    outcome: 'failed',
  },
];

for (const { name, steps, attempts, taken, gets, outcome } of table) {
  test(name, async (t) => {
    const found = await run(t, steps);
    assert.deepEqual([found.status, found.text], gets);
    assert.deepEqual(found.bodies, attempts);
    assert.deepEqual(found.taken, taken);
    assert.deepEqual(found.outcomes, [outcome]);
    assert.equal(found.ends, 1);
  });
}

/** The client gets the problem, and not an answer that nothing accounts for; nor does it wait for ever. */
const unsettled: readonly (readonly [name: string, step: Step, gets: readonly [status: number, text: string]])[] = [
  ['a whole answer', answers(200, answer), [500, 'internal_error']],
  ['a failure', fails, [500, 'internal_error']],
  ['a stream that has begun', (sink) => sendLater(sink), [200, 'cut']],
];
function sendLater(sink: AnswerSink): void {
  sink.head(200, { 'content-type': 'text/event-stream' });
  sink.chunk(Buffer.from('data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'));
  setTimeout(() => {
    sink.chunk(Buffer.from(stream));
    sink.end();
  }, 20);
}
for (const [name, step, gets] of unsettled) {
  test(`${name} whose call cannot be settled ends with an error`, async (t) => {
    const found = await run(t, [step], new ProxyError('internal_error'));
    assert.deepEqual([found.status, found.text], gets);
    assert.equal(found.ends, 1);
  });
}
