import OpenAI from 'openai';
import { ResponsesWS } from 'openai/resources/responses/ws';
import type { Scope } from '../../scope.ts';
import type { Stack } from '../../stack.ts';
import { makeEventLog } from './event-log.ts';

type Fields = Readonly<Record<string, unknown>>;

/** An event, with the fields that those of its type have. */
export interface Event extends Fields {
  readonly type: string;
  readonly status?: number;
  readonly stream_id?: string;
  readonly response: Fields;
  readonly error: Fields;
}

/** OpenAI's own client of the Responses API over a WebSocket. */
export interface ResponsesClient {
  readonly socket: ResponsesWS['socket'];
  readonly events: readonly Event[];
  send(event: Fields): void;
  /** Asks for a response of gpt-4o, unless it says otherwise. */
  create(body: Fields): void;
  /** Resolves with the first event of this type that nobody has waited for yet. */
  next(type: string): Promise<Event>;
  /** Resolves with the code and the reason. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** @throws where the session is refused */
export async function openResponses(
  scope: Scope,
  stack: Pick<Stack, 'baseUrl' | 'token'>,
  headers: Readonly<Record<string, string>>,
  key = stack.token,
): Promise<ResponsesClient> {
  const client = new OpenAI({ baseURL: stack.baseUrl, apiKey: key });
  const ws = new ResponsesWS(client, { headers });
  const log = makeEventLog<Event>();
  const opened = Promise.withResolvers<void>();
  ws.on('event', (event) => log.push(event as unknown as Event));
  ws.on('error', (error) => {
    if (!error.error) opened.reject(error);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.socket.on('close', (code: number, reason: string) => {
      resolve({ code, reason });
      log.end();
    });
  });
  scope.after(() => ws.socket.terminate());
  ws.socket.on('open', () => opened.resolve());
  await opened.promise;
  const send = (event: Fields) => ws.send(event as never);
  return {
    socket: ws.socket,
    events: log.events,
    closed,
    send,
    create: (body) => send({ type: 'response.create', model: 'gpt-4o', ...body }),
    next: (type) => log.next(type),
  };
}
