import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import { makeApp, makeState } from '../../../sandbox/app.ts';
import { makeSockets } from '../../../sandbox/sockets/sockets.ts';
import { atEnd, type Scope } from '../../scope.ts';
import type { Ask } from './ledger.ts';
import { billOf, type Counted } from './prices.ts';

/** A request that a fault has to answer. */
export interface Faulty {
  readonly request: IncomingMessage;
  readonly reply: ServerResponse;
  /** How many requests with its mark came before. */
  readonly before: number;
  /** Has the sandbox answer it, well, with this body or another one. */
  pass(): void;
}

export type UpstreamFault = (faulty: Faulty) => unknown;

/** A provider that counts every request that it is asked for an answer, and can do what no sandbox does. */
export interface Upstream {
  readonly port: number;
  /** Answers all further requests for answers. Undefined: the sandbox does. */
  fault: UpstreamFault | undefined;
  /** Every request so far that it was asked for an answer. */
  asks(): Ask[];
  /** How many are being answered. */
  running(): number;
  /** Forgets all requests. */
  clear(): void;
}

interface Account extends Counted {
  readonly id: string;
  readonly request_id: string;
  readonly status: Ask['end'];
}

/** Has the mark of a call, too: the body of a request whose sender ends may never come. Proxies pass it on. */
export const markHeader = 'openai-beta';

const markPattern = /\bmark-[a-z0-9]+-[a-z0-9]+/;
/** Requests about what is kept. They are not billed. */
const generates = /^\/v1\/(responses|chat\/completions|embeddings|audio\/transcriptions)$/;

export async function startUpstream(scope: Scope): Promise<Upstream> {
  const state = makeState();
  const answer = makeApp(state);
  const takeSocket = makeSockets(state);
  /** Those that a fault has answered. */
  let refused: Ask[] = [];
  let marks = new Map<string, number>();
  /** What the head of each request says of its call, by the sandbox's id of the request. */
  let heads = new Map<string, string>();
  const open = new Set<Duplex>();
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, reply) => {
    const { fault } = upstream;
    if (!fault || request.method !== 'POST' || !generates.test(request.url ?? '')) take(request, reply);
    else void answerBy(fault, request, reply).catch(() => reply.destroy());
  });
  server.on('upgrade', (request, socket, head) => {
    open.add(socket.once('close', () => open.delete(socket)).on('error', () => socket.destroy()));
    takeSocket(request, socket, head);
  });

  /** Has the sandbox answer. */
  function take(request: IncomingMessage, reply: ServerResponse): void {
    answer(request, reply);
    heads.set(String(reply.getHeader('x-request-id')), String(request.headers[markHeader]));
  }

  /** The body is read first, for its mark; where the sandbox is to answer, it is asked anew with the same body. */
  async function answerBy(fault: UpstreamFault, request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const mark = markIn(Buffer.concat(chunks).toString('latin1'));
    const before = marks.get(mark) ?? 0;
    marks.set(mark, before + 1);
    const ask: Ask = { mark, id: '', end: 'failed', billed: 0 };
    refused.push(ask);
    const pass = () => {
      // The sandbox counts it.
      refused = refused.filter((other) => other !== ask);
      take(repeat(request, chunks), reply);
    };
    await fault({ request, reply, before, pass });
  }

  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(scope, async () => {
    server.close().closeAllConnections();
    for (const socket of open) socket.destroy();
  });
  const accounts = () => (state.calls.list().calls as unknown as Account[]).filter(({ id }) => id !== '');
  const upstream: Upstream = {
    port: (server.address() as AddressInfo).port,
    fault: undefined,
    asks: () => [
      ...refused,
      ...accounts().map((account): Ask => {
        const told = state.calls.find(account.id)?.body ?? heads.get(account.request_id);
        return { mark: markIn(String(told)), id: account.id, end: account.status, billed: billOf(account) };
      }),
    ],
    running: () => accounts().filter(({ status }) => status === 'running').length,
    clear() {
      state.calls.clear();
      refused = [];
      marks = new Map();
      heads = new Map();
    },
  };
  return upstream;
}

/** The request once more, with a body that was read. */
function repeat(
  { headers, rawHeaders, method, url, socket }: IncomingMessage,
  body: readonly Buffer[],
): IncomingMessage {
  const parts = { headers, rawHeaders, method, url, socket };
  return Object.assign(Readable.from(body), parts) as unknown as IncomingMessage;
}

/** A request without a mark counts as one that no record tells of. */
function markIn(body: string): string {
  const [mark] = markPattern.exec(body) ?? [];
  return mark ?? 'unmarked';
}
