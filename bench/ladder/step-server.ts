// One step of the ladder in its own process, made from the proxy's own parts:
// node bench/ladder/step-server.ts STEP UPSTREAM_ORIGIN SPOOL_DIRECTORY CREDENTIALS_DIRECTORY
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pino } from 'pino';
import { sealContents } from '../../database/contents.ts';
import { generateDataKeys, makeEnvelope } from '../../database/envelope.ts';
import { makeRequestId, userIdOf } from '../../database/ids.ts';
import type { RequestRecord } from '../../database/requests.ts';
import { readBody } from '../../proxy/calls/admit/body.ts';
import { complete } from '../../proxy/calls/settle/record.ts';
import { Http1Client } from '../../proxy/egress/http1/client.ts';
import { makePrice } from '../../proxy/prices/price.ts';
import { parseObject } from '../../proxy/providers/json.ts';
import { readCompletion } from '../../proxy/providers/openai/choices.ts';
import { startShipper } from '../../proxy/spool/ship.ts';
import { openSpool } from '../../proxy/spool/spool.ts';
import { makeStore } from '../../proxy/store.ts';
import { includes, type StepName } from './steps.ts';

const [, , step, origin = '', directory = '', credentials = ''] = process.argv as [
  string,
  string,
  StepName,
  ...string[],
];
const read = (name: string) => readFileSync(join(credentials, name), 'utf8').trim();
const { id: organizationId }: { id: string } = JSON.parse(read('organization.json'));
const client = new Http1Client();
const envelope = makeEnvelope(generateDataKeys());
const price = makePrice([], new Map([['openai', 'openai']]));
const spool = openSpool({ directory });
const persona = { role: 'system', content: 'You help customers of a shop. Be short, and never invent an order.' };

if (includes(step, 'shipped')) ship();

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => answer(request, response, Buffer.concat(chunks)));
}).listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.on('disconnect', () => process.exit());

function ship(): void {
  const log = pino({ level: 'warn' });
  const openStore = () => makeStore({ databaseUrl: () => read('database-url'), log });
  const shipper = startShipper({ spool, store: openStore(), openStore, organizationId, log });
  process.on('message', async () => process.send?.(await shipper.flush(30_000)));
}

function answer(request: IncomingMessage, response: ServerResponse, raw: Buffer): void {
  const body = includes(step, 'rewritten') ? rewrite(raw) : raw;
  if (!includes(step, 'recorded')) {
    send(request, body, false, (status, type, whole) => respond(response, status, type, whole));
    return;
  }
  const startedTicks = performance.now();
  const record = makeIntent(request);
  const handle = spool.begin(record, () =>
    send(request, body, true, (status, type, whole) => {
      settle(record, whole, performance.now() - startedTicks);
      const sealed = includes(step, 'sealed') ? seal(record, raw, whole) : undefined;
      spool.settle(handle, record, sealed, () => respond(response, status, type, whole));
    }),
  );
}

function rewrite(raw: Buffer): string {
  const { body } = readBody(raw);
  const { persona_id: _, messages, ...rest } = body;
  return JSON.stringify({ ...rest, messages: [persona, ...(Array.isArray(messages) ? messages : [])] });
}

type OnAnswer = (status: number, type: string, whole: Buffer) => void;

function send(
  { url = '/', headers }: IncomingMessage,
  body: Buffer | string,
  isTurnEnd: boolean,
  done: OnAnswer,
): void {
  const { accept = '*/*', authorization = '' } = headers;
  const chunks: Buffer[] = [];
  let status = 0;
  let type = '';
  const flat = ['content-type', 'application/json', 'accept', accept, 'authorization', authorization];
  const times = { headersTimeout: 60_000, bodyTimeout: 60_000 };
  client.send(
    { method: 'POST', origin, path: url, headers: flat, body, ...times, isTurnEnd },
    {
      onRequestStart() {},
      onResponseStart(_, code, { 'content-type': contentType }) {
        status = code;
        type = String(contentType);
      },
      onResponseData: (_, chunk) => void chunks.push(chunk),
      onResponseEnd: () => done(status, type, Buffer.concat(chunks)),
      onResponseError: () => done(502, 'text/plain', Buffer.alloc(0)),
    },
  );
}

function respond(response: ServerResponse, status: number, type: string, whole: Buffer): void {
  response.writeHead(status, ['content-type', type, 'content-length', String(whole.length)]);
  response.end(whole.toString('latin1'), 'latin1');
}

function makeIntent({ headers }: IncomingMessage): RequestRecord {
  const user = String(headers['x-user-id']);
  const startedAtMs = Date.now();
  return {
    request_id: makeRequestId(startedAtMs),
    started_at: new Date(startedAtMs).toISOString(),
    kind: 'call',
    operation: 'chat',
    user_id: userIdOf(organizationId, user),
    user_external_id: user,
    session_id: String(headers['x-session-id']),
    turn_id: null,
    namespace: null,
    workload: null,
    persona_id: null,
    api_key_id: null,
    provider: 'openai',
    requested_model: 'gpt-4o-mini',
    model: null,
    is_stream: false,
    status: 'interrupted',
    http_status: null,
    error_code: null,
    response_id: null,
    previous_response_id: null,
    input_tokens: null,
    cached_input_tokens: null,
    cache_write_tokens: null,
    output_tokens: null,
    reasoning_tokens: null,
    total_tokens: null,
    cost_usd: null,
    duration_ms: null,
    time_to_first_token_ms: null,
  };
}

function settle(record: RequestRecord, whole: Buffer, upstreamMs: number): void {
  const { failed, ...reading } = readCompletion(parseObject(whole.toString('utf8')));
  const status = failed ? 'failed' : 'completed';
  const outcome = { ...reading, status, httpStatus: 200, timeToFirstTokenMs: null, upstreamMs, output: whole } as const;
  complete(record, outcome, price);
  record.duration_ms = Math.round(upstreamMs);
}

function seal({ request_id: requestId }: RequestRecord, input: Buffer, output: Buffer): Buffer {
  return sealContents(envelope, { organizationId, requestId }, input, output);
}
