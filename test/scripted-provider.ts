import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Scope } from './scope.ts';

/** A request as the provider received it. */
export interface ProviderRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The parsed body. Empty where it is not JSON. */
  readonly body: Record<string, unknown>;
}

export type Answer = (response: ServerResponse, request: ProviderRequest) => unknown;

/** A provider on a real socket whose answers the test defines. */
export interface ScriptedProvider {
  readonly url: string;
  /** The requests so far. */
  readonly requests: ProviderRequest[];
  /** The answer to all further requests. */
  answer: Answer;
}

export async function startScriptedProvider(scope: Scope): Promise<ScriptedProvider> {
  const server = createServer({ keepAliveTimeout: 120_000 }, async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      // The request broke off, so nobody waits for an answer.
      return;
    }
    const text = Buffer.concat(chunks).toString();
    const { method = '', url = '', headers } = request;
    const seen = { method, path: url, headers, text, body: text.startsWith('{') ? JSON.parse(text) : {} };
    provider.requests.push(seen);
    await provider.answer(response, seen);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  scope.after(async () => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const provider: ScriptedProvider = {
    url: `http://127.0.0.1:${port}/v1`,
    requests: [],
    answer: (response) => response.writeHead(500).end(),
  };
  return provider;
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export interface StreamOptions {
  /** Whether the stream ends cleanly, or by cutting the connection. */
  readonly end?: 'clean' | 'cut';
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers with a stream of these texts, each as a separate chunk. */
export async function sendStream(
  response: ServerResponse,
  chunks: readonly (string | Buffer)[],
  { end = 'clean', headers = {} }: StreamOptions = {},
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  response.flushHeaders();
  for (const chunk of chunks) {
    response.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  if (end === 'clean') response.end();
  else response.destroy();
}

/** An answer that goes on for as long as its reader takes it. */
export interface LongAnswer {
  readonly send: (response: ServerResponse) => void;
  /** Resolves when the reader has taken nothing for a second, or all of it. */
  readonly stalled: Promise<void>;
  readonly sentBytes: () => number;
}

/** @param piece what the answer repeats, up to `totalBytes` */
export function makeLongAnswer(piece: string | Buffer, totalBytes: number): LongAnswer {
  let sentBytes = 0;
  const stalled = Promise.withResolvers<void>();
  const send = (response: ServerResponse) => {
    while (sentBytes < totalBytes) {
      sentBytes += piece.length;
      if (response.write(piece)) continue;
      const timer = setTimeout(stalled.resolve, 1_000);
      response.once('drain', () => {
        clearTimeout(timer);
        send(response);
      });
      return;
    }
    stalled.resolve();
  };
  return { send, stalled: stalled.promise, sentBytes: () => sentBytes };
}
