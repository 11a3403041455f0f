import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { atEnd, type Scope } from '../../scope.ts';

/** A server that does what a product that works does not do when a test wants it, by the prompt that it gets. */
export interface FaultyInsights {
  readonly baseUrl: string;
  /** The `Idempotency-Key` of each request, by its prompt. */
  readonly received: Map<string, string[]>;
}

const text = {
  ...{ generated_text: 'Yes.', model: 'gpt-4o', finish_reason: 'stop' },
  ...{ usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: null } },
  compliance_check: { passed: true, flags: [] },
};
const answer = { error: false, status_code: 200, data: text, timestamp: '2026-01-12T15:30:00.000Z' };
const problem = (status: number, code: string) => ({
  ...{ error: true, status_code: status, code, message: 'No.', details: { text: 'Field is required' } },
  timestamp: '2026-01-12T15:30:00.000Z',
});
const event = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const delta = (more: string) => event('delta', { text: more });

/** How each prompt is answered, the first time (0) and later. */
const scripts: Readonly<Record<string, (response: ServerResponse, times: number) => void>> = {
  busy: (response, times) =>
    times === 0 ? refuse(response, 503, 'store_unavailable', { 'retry-after': '0.2' }) : send(response, 200, answer),
  // More often than a client repeats: that the first attempt still runs is no failure.
  running: (response, times) =>
    times < 3 ? refuse(response, 409, 'idempotency_in_progress', { 'retry-after': '0' }) : send(response, 200, answer),
  spent: (response) => refuse(response, 429, 'insufficient_quota', { 'x-should-retry': 'false' }),
  later: (response) => refuse(response, 429, 'limit_reached', { 'retry-after': '3600' }),
  page: (response) => response.writeHead(418).end('<h1>Teapot</h1>'),
  nonsense: (response) => response.end('<h1>Welcome</h1>'),
  other: (response) => send(response, 200, { object: 'list' }),
  cut: (response) => response.write(`:\n\n${delta('A')}`, () => response.destroy()),
  short: (response) => response.end(`${delta('A')}${event('later', {})}`),
  broken: (response) => response.end(`${delta('A')}${event('error', problem(502, 'upstream_error'))}`),
  resumed: (response, times) => {
    response.write(delta('A'), () => times === 0 && response.destroy());
    if (times > 0) response.end(`${delta('B')}${event('done', answer)}`);
  },
  rerun: (response, times) => {
    response.write(delta(times === 0 ? 'A' : 'C'), () => times === 0 && response.destroy());
  },
  unreadable: (response) => response.end('event: delta\ndata: {\n\n'),
};

/** What clients say about each prompt: the class and code of the error, or the text. */
export const outcomes: readonly (readonly [prompt: string, ...outcome: string[]])[] = [
  ['busy', 'Yes.'],
  ['running', 'Yes.'],
  ['spent', 'RateLimit', 'insufficient_quota'],
  ['later', 'RateLimit', 'limit_reached'],
  ['page', 'Api', 'unknown'],
  ['nonsense', '', 'invalid_answer'],
  ['other', '', 'invalid_answer'],
  ['cut', 'Connection', 'connection_failed'],
  ['short', 'Connection', 'connection_failed'],
  ['broken', 'Stream', 'upstream_error'],
  ['resumed', 'AB'],
  ['rerun', '', 'stream_interrupted'],
  ['unreadable', '', 'invalid_answer'],
];
/** Those that are asked for as a stream. */
export const streamed = ['cut', 'short', 'broken', 'resumed', 'rerun', 'unreadable'];
/** How often each was sent, with one retry at most. */
export const attempts: Readonly<Record<string, number>> = {
  ...{ busy: 2, running: 4, spent: 1, later: 1, page: 1, nonsense: 1, other: 1 },
  ...{ cut: 2, short: 2, broken: 1, resumed: 2, rerun: 2, unreadable: 1 },
};

export async function startFaultyInsights(scope: Scope): Promise<FaultyInsights> {
  const received: FaultyInsights['received'] = new Map();
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { prompt } = (await json(request)) as { prompt: string };
    const earlier = received.get(prompt) ?? [];
    received.set(prompt, [...earlier, String(request.headers['idempotency-key'])]);
    scripts[prompt]?.(response, earlier.length);
  };
  const server = createServer((request, response) => void handle(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(scope, () => {
    server.close();
    server.closeAllConnections();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

function refuse(response: ServerResponse, status: number, code: string, headers: Record<string, string>): void {
  send(response, status, problem(status, code), headers);
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
