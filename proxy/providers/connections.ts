import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

/** A request to a provider, in the form that undici takes. */
export interface ConnectionRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly origin: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Readable | Buffer | string | null;
  /** Until the beginning of the answer, in milliseconds. Zero: no limit. */
  readonly headersTimeout: number;
  /** Between two pieces of the answer, in milliseconds. Zero: no limit. */
  readonly bodyTimeout: number;
  /** Whether the event loop has already read what had arrived before. Otherwise the request may wait for that. */
  readonly isTurnEnd: boolean;
}

/** Sends requests, over connections that it keeps: undici's, or our own. */
export interface Connections {
  /** The handler hears of every failure. */
  dispatch(request: ConnectionRequest, handler: Dispatcher.DispatchHandler): unknown;
}
