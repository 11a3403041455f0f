import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as sendRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { issueAuthority, issueServing } from '../../operator/certificates/issue.ts';
import type { Scope } from '../scope.ts';
import type { ApiServer } from './api-server.ts';

export interface PassingRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly isWatch: boolean;
}

/** What happens to a request on its way. */
export type Fault =
  /** It is answered here, and the server never hears of it. */
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfterS?: number }
  /** The connection ends before it gets to the server. */
  | { readonly kind: 'drop' }
  /** The server carries it out, and the connection ends before the answer. */
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'delay'; readonly ms: number };

/** The way to an API server, with TLS of its own at this end, on which things can go wrong. */
export interface FaultProxy {
  readonly server: ApiServer;
  /** What has come here, the oldest first; by `performance.now()`. */
  readonly seen: readonly (PassingRequest & { readonly atMs: number })[];
  /** From now on each request has the fault that this chooses for it, if any. */
  fail(choose: (request: PassingRequest) => Fault | undefined): void;
  heal(): void;
  /** Ends the watches that there are, each in the middle of a line. */
  cutWatches(): void;
  /** Lets nothing more through to the watches that there are, and leaves them connected. */
  silenceWatches(): void;
}

export async function startFaultProxy(scope: Scope, server: ApiServer): Promise<FaultProxy> {
  const validity = { lifetimeMs: 3_600_000, nowMs: Date.now() };
  const authority = await issueAuthority(validity);
  const { certificate, privateKey } = await issueServing(authority, ['127.0.0.1'], validity);
  const upstream = new URL(server.url);
  const seen: (PassingRequest & { readonly atMs: number })[] = [];
  const watches = new Set<{ readonly response: ServerResponse; readonly answer: IncomingMessage }>();
  let choose: (request: PassingRequest) => Fault | undefined = () => undefined;

  const forward = (request: IncomingMessage, response: ServerResponse, passing: PassingRequest, fault?: Fault) => {
    const { method, url: path, headers } = request;
    const onward = sendRequest({
      hostname: upstream.hostname,
      port: upstream.port,
      method,
      path,
      headers,
      ca: server.ca,
    });
    const end = () => {
      response.destroy();
      onward.destroy();
    };
    onward.on('error', end).on('response', (answer) => {
      if (fault?.kind === 'lose-answer') return end();
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.on('error', end).on('aborted', end).pipe(response);
      if (!passing.isWatch) return;
      const watch = { response, answer };
      watches.add(watch);
      response.on('close', () => watches.delete(watch));
    });
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  };
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url: path = '' } = request;
    const passing = { method, path, isWatch: path.includes('watch=true') };
    seen.push({ ...passing, atMs: performance.now() });
    const fault = choose(passing);
    switch (fault?.kind) {
      case 'answer': {
        const { status: code, retryAfterS } = fault;
        const headers = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) };
        const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'made to fail', code };
        request.resume();
        response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(status));
        return;
      }
      case 'drop':
        response.destroy();
        return;
      case 'delay':
        setTimeout(() => forward(request, response, passing), fault.ms);
        return;
      default:
        forward(request, response, passing, fault);
    }
  };
  const listener = createServer({ cert: certificate, key: privateKey }, handle);
  const sockets = new Set<TLSSocket>();
  listener.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  scope.after(async () => {
    const closed = once(listener.close(), 'close');
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('A server has no port');
  return {
    server: { ...server, url: `https://127.0.0.1:${address.port}`, ca: authority.certificate },
    seen,
    fail(next) {
      choose = next;
    },
    heal() {
      choose = () => undefined;
    },
    cutWatches() {
      for (const { response, answer } of watches) {
        answer.unpipe(response);
        response.write('{"type":"ADDED","obj', () => response.destroy());
      }
    },
    silenceWatches() {
      for (const { response, answer } of watches) answer.unpipe(response);
    },
  };
}
