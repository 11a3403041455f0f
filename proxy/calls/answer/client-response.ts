import type { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';

/** What an answer is written to: the response of node:http, or what takes its place in a session over a WebSocket. */
export interface ClientResponse
  extends EventEmitter,
    Pick<
      Writable,
      'destroyed' | 'write' | 'end' | 'destroy' | 'writableFinished' | 'writableCorked' | 'writableLength'
    >,
    Pick<ServerResponse, 'flushHeaders'> {
  /** Undefined or null: it is written to by `write` alone. */
  readonly socket?: ServerResponse['socket'];
  readonly chunkedEncoding?: boolean;
  /** Absent: it is no HTTP message. */
  readonly req?: Pick<ServerResponse['req'], 'httpVersionMinor'>;
  /** @param headers names and values in turn */
  writeHead(status: number, headers: (string | string[])[]): unknown;
}
