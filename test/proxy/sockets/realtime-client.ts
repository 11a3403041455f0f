import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { replaceFile } from '../../directories.ts';
import type { Scope } from '../../scope.ts';
import type { Stack } from '../../stack.ts';
import { makeEventLog } from './event-log.ts';

export interface RealtimeClientOptions {
  readonly model?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly port?: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** An event, with the objects that those of its type have. */
export interface Event {
  readonly type: string;
  readonly session: Fields;
  readonly response: Fields;
  readonly error: Fields;
}

/** OpenAI's own client of the Realtime API. It speaks TLS alone, so it is given plain connections. */
export interface RealtimeClient {
  readonly socket: OpenAIRealtimeWS['socket'];
  /** All events so far. */
  readonly events: Event[];
  send(event: Readonly<Record<string, unknown>>): void;
  /** Resolves with the first event of this type that nobody has waited for yet. */
  next(type: string): Promise<Event>;
  /** Resolves with the code and the reason. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export async function openRealtime(
  scope: Scope,
  stack: Pick<Stack, 'baseUrl' | 'token'>,
  { model = 'gpt-realtime', key = stack.token, headers = { 'x-user-id': 'ada' }, port }: RealtimeClientOptions = {},
): Promise<RealtimeClient> {
  const target = new URL(stack.baseUrl);
  const client = new OpenAI({ baseURL: stack.baseUrl, apiKey: key });
  const realtime = new OpenAIRealtimeWS(
    {
      model,
      options: {
        headers,
        createConnection: () => connect({ host: target.hostname, port: port ?? Number(target.port) }),
      },
    },
    client,
  );
  const log = makeEventLog<Event>();
  realtime.on('event', (event) => log.push(event as unknown as Event));
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  realtime.on('error', (error) => {
    if (!error.error) failed.reject(error);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    realtime.socket.on('close', (code, reason) => {
      resolve({ code, reason: String(reason) });
      log.end();
    });
  });
  scope.after(() => realtime.socket.terminate());
  await Promise.race([once(realtime.socket, 'open'), failed.promise]);
  return {
    socket: realtime.socket,
    events: log.events,
    closed,
    send: (event) => realtime.send(event as never),
    next: (type) => log.next(type),
  };
}

/** A second of speech, or of silence, as the API takes it. */
export function sound(kind: 'speech' | 'silence', seconds = 1): string {
  return Buffer.alloc(48_000 * seconds, kind === 'speech' ? 7 : 0).toString('base64');
}

/** An event with which the user says something in words. */
export function says(text: string): Readonly<Record<string, unknown>> {
  const content = [{ type: 'input_text', text }];
  return { type: 'conversation.item.create', item: { type: 'message', role: 'user', content } };
}

/** Edits the copy of the quickstart: every model, and more of the Organization's spec. */
export function everyModel(more = ''): (directory: string) => Promise<void> {
  return async (directory) => {
    const file = join(directory, 'organization.yaml');
    const quickstart = await readFile(file, 'utf8');
    await replaceFile(file, quickstart.replace(/ {2}# Any other model[\s\S]*$/, '') + more);
  };
}
