import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { CallLog } from '../call-log.ts';
import { dialectOf } from '../dialect-of.ts';
import type { Keep } from '../keep.ts';
import { findModelFor } from '../models.ts';
import { ProviderError } from '../provider-error.ts';
import { type Connection, RealtimeSession } from './realtime-session.ts';
import { ResponsesSession } from './responses-session.ts';

/** What a session does with a socket. */
interface Session {
  open(): Promise<void>;
  take(text: string): Promise<void>;
  end(): void;
}

export interface SocketState {
  readonly calls: CallLog;
  readonly keepOf: (key: string) => Keep;
}

export type TakeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const maxMessageBytes = 16 * 1024 * 1024;
/** Beyond that a session waits until its client has read. */
const maxUnsentBytes = 256 * 1024;

/** Makes the function that opens sessions of the APIs over WebSockets, at OpenAI's and at Azure's paths. */
export function makeSockets(state: SocketState): TakeUpgrade {
  const server = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false });
  return (request, socket, head) => {
    try {
      const open = sessionOf(request, state);
      server.handleUpgrade(request, socket, head, (webSocket) => run(webSocket, open));
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      const body = JSON.stringify(dialectOf(request).envelope(error, ''));
      socket.end(
        `HTTP/1.1 ${error.status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    }
  };
}

/** @throws ProviderError where the upgrade is refused */
function sessionOf(request: IncomingMessage, { calls, keepOf }: SocketState): (connection: Connection) => Session {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://sandbox');
  const dialect = dialectOf(request);
  const key = dialect.apiKey(request);
  if (key === null) throw new ProviderError('You did not provide an API key.', { status: 401 });
  const modelOf = (named: string) => dialect.modelOf?.(named) ?? named;
  const [, api] = /^(?:\/openai)?\/v1\/(realtime|responses)$/.exec(pathname) ?? [];
  if (api === 'responses') {
    const keep = keepOf(key);
    return (connection) => new ResponsesSession(connection, calls, key, keep, modelOf);
  }
  if (api === undefined) throw new ProviderError(`Invalid URL (GET ${pathname})`, { status: 404 });
  const named = searchParams.get('model');
  if (named === null && searchParams.get('intent') !== 'transcription')
    throw new ProviderError('You must provide a model parameter.', { param: 'model', code: 'missing_model' });
  const model = named === null ? undefined : findModelFor('realtime', modelOf(named));
  return (connection) => new RealtimeSession(connection, calls, key.slice(-4), model);
}

function run(socket: WebSocket, open: (connection: Connection) => Session): void {
  const session = open({
    send: (event) => send(socket, JSON.stringify(event)),
    sendText: (text) => send(socket, text),
    sendGarbage: () => socket.send('<html>It works!</html>'),
    close: (how) => (how === 'clean' ? socket.close(1011, 'cut') : socket.terminate()),
  });
  let turn = session.open();
  socket.on('message', (data) => {
    const text = String(data);
    turn = turn.then(() => session.take(text)).catch(() => {});
  });
  socket.on('close', () => session.end());
  socket.on('error', () => socket.terminate());
}

async function send(socket: WebSocket, text: string): Promise<void> {
  if (socket.readyState !== WebSocket.OPEN) return;
  const sent = new Promise<void>((resolve) => socket.send(text, () => resolve()));
  if (socket.bufferedAmount > maxUnsentBytes) await sent;
}
