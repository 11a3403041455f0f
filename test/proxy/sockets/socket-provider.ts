import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Scope } from '../../scope.ts';

/** A provider on a real socket whose sessions the test defines. */
export interface SocketProvider {
  readonly url: string;
  readonly requests: IncomingMessage[];
  /** What it does with a session. */
  session: (socket: WebSocket) => void;
  /** What it does with a request that is no upgrade. */
  answer: (response: ServerResponse, request: IncomingMessage) => void;
  /** The HTTP answer to an upgrade. Undefined: it opens the session. */
  refusal: { readonly status: number; readonly body: string } | undefined;
}

export async function startSocketProvider(scope: Scope): Promise<SocketProvider> {
  const http = createServer((request, response) => provider.answer(response, request));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 * 1024 });
  http.on('upgrade', (request, socket, head) => {
    provider.requests.push(request);
    socket.on('error', () => socket.destroy());
    if (provider.refusal) {
      const { status, body } = provider.refusal;
      const length = Buffer.byteLength(body);
      socket.end(
        `HTTP/1.1 ${status} No\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${body}`,
      );
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      opened.on('error', () => opened.terminate());
      provider.session(opened);
    });
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  scope.after(() => {
    for (const client of sockets.clients) client.terminate();
    http.close().closeAllConnections();
  });
  const provider: SocketProvider = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    requests: [],
    session: () => {},
    answer: (response) => response.writeHead(404).end('{}'),
    refusal: undefined,
  };
  return provider;
}

/** The first event of every session. */
export function created(session: object = {}): string {
  const shown = { type: 'realtime', object: 'realtime.session', output_modalities: ['text'], ...session };
  return JSON.stringify({ type: 'session.created', event_id: 'event_1', session: shown });
}
