import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { atEnd, type Scope } from '../../scope.ts';

/** A server that does what a product that works does not do when a test wants it, by the message that it gets. */
export interface FaultyDesk {
  readonly baseUrl: string;
  /** `Idempotency-Key` and `X-Visitor-Token` of each request, by its message. */
  readonly received: Map<string, { readonly key: string; readonly visitor: string | undefined }[]>;
}

const answer = {
  ...{ conversation_id: 'conv_1', message_id: 'msg_1', response: 'Yes.', confidence: 1, sources: [], escalated: false },
  ...{ status: 'active', reason: null, assigned_agent: null, timestamp: '2026-01-12T15:30:00.000Z' },
};
const problem = (code: string) => ({ error: { code, message: 'No.', details: { field: 'x' }, request_id: 'req_1' } });
const begin = 'event: message\ndata: {"conversation_id":"conv_1","message_id":"msg_1"}\n\n';

const delta = (text: string) => `event: delta\ndata: ${JSON.stringify({ text })}\n\n`;

/** How each message is answered, the first time (0) and later. */
const scripts: Readonly<Record<string, (response: ServerResponse, times: number) => void>> = {
  busy: (response, times) =>
    times === 0
      ? sendJson(response, 503, problem('store_unavailable'), { 'retry-after': '1' })
      : sendJson(response, 200, answer),
  // More often than a client repeats: that the first attempt still runs is no failure.
  running: (response, times) =>
    times < 3
      ? sendJson(response, 409, problem('idempotency_in_progress'), { 'retry-after': '0' })
      : sendJson(response, 200, answer),
  conflict: (response) => sendJson(response, 409, problem('owned_by_resource')),
  spent: (response) => sendJson(response, 429, problem('insufficient_quota'), { 'x-should-retry': 'false' }),
  later: (response) => sendJson(response, 429, problem('limit_reached'), { 'retry-after': '3600' }),
  page: (response) => response.writeHead(418, { 'x-request-id': 'req_2' }).end('<h1>Teapot</h1>'),
  nonsense: (response) => response.end('<h1>Welcome</h1>'),
  silent: () => {},
  cut: (response) => response.write(`:\n\n${begin}`, () => response.destroy()),
  short: (response) => response.end(`${begin}event: later\ndata: {}\n\n`),
  broken: (response) => response.end(`${begin}event: error\ndata: ${JSON.stringify(problem('upstream_error'))}\n\n`),
  resumed: (response, times) => {
    response.write(`${begin}${delta('A')}`, () => times === 0 && response.destroy());
    if (times > 0) response.end(`${delta('B')}event: done\ndata: ${JSON.stringify(answer)}\n\n`);
  },
  rerun: (response, times) => {
    response.write(begin.replace('msg_1', `msg_${times}`) + delta('A'), () => times === 0 && response.destroy());
  },
  unreadable: (response) => response.end('event: delta\ndata: {\n\n'),
  stalled: (response) => response.write(begin),
  visit: (response, times) =>
    times === 1
      ? sendJson(response, 401, {
          error: { ...problem('invalid_credentials').error, details: { field: 'X-Visitor-Token' } },
        })
      : sendJson(response, 200, answer, { 'x-visitor-token': `visitor-${times}` }),
};

export async function startFaultyDesk(scope: Scope): Promise<FaultyDesk> {
  const received: FaultyDesk['received'] = new Map();
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { message } = (await json(request)) as { message: string };
    const earlier = received.get(message) ?? [];
    const { 'idempotency-key': key, 'x-visitor-token': visitor } = request.headers;
    received.set(message, [...earlier, { key: String(key), visitor: visitor?.toString() }]);
    scripts[message]?.(response, earlier.length);
  };
  const server = createServer((request, response) => void handle(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(scope, () => {
    server.close();
    server.closeAllConnections();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

function sendJson(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** What clients say about each message: the class and code of the error, its request id, or the answer. */
export const outcomes: readonly (readonly [message: string, ...outcome: (string | null)[]])[] = [
  ['busy', 'Yes.'],
  ['running', 'Yes.'],
  ['conflict', 'ConflictError', 'owned_by_resource', 'req_1'],
  ['spent', 'RateLimitError', 'insufficient_quota', 'req_1'],
  ['later', 'RateLimitError', 'limit_reached', 'req_1'],
  ['page', 'ApiError', 'unknown', 'req_2'],
  ['nonsense', 'ChatError', 'invalid_answer', null],
  ['silent', 'ChatTimeoutError', 'timeout', null],
  ['cut', 'ChatConnectionError', 'connection_failed', null],
  ['short', 'ChatConnectionError', 'connection_failed', null],
  ['broken', 'StreamError', 'upstream_error', 'req_1'],
  ['resumed', 'AB'],
  ['rerun', 'ChatError', 'stream_interrupted', null],
  ['unreadable', 'ChatError', 'invalid_answer', null],
  ['stalled', 'ChatTimeoutError', 'timeout', null],
];
/** Those that are asked for as a stream. */
export const streamed = ['cut', 'short', 'broken', 'resumed', 'rerun', 'unreadable', 'stalled'];
/**
 * How often each was sent, with one retry at most. `silent` is not there: a client may give up before its request is here.
 */
export const attempts: Readonly<Record<string, number>> = {
  ...{ busy: 2, running: 4, conflict: 1, spent: 1, later: 1, page: 1, nonsense: 1 },
  ...{ cut: 2, short: 2, broken: 1, resumed: 2, rerun: 2, unreadable: 1, stalled: 1 },
};
