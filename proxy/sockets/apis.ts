import type { IncomingMessage } from 'node:http';
import type { Identified } from '../calls/context.ts';
import type { SessionCaller } from './find-caller.ts';
import type { OpenContext, Ready } from './session.ts';

/**
 * Admits a session.
 *
 * @throws {ProxyError} where it may not be opened; {UpgradeRefused} where its provider does not open it
 */
export type OpenSession = (
  context: OpenContext,
  request: Pick<IncomingMessage, 'url' | 'headers'>,
  caller: SessionCaller,
  first: Identified,
) => Promise<Ready>;

/** An API over WebSockets. */
export interface SocketApi {
  /** As metrics name it. */
  readonly kind: 'realtime' | 'responses' | 'live';
  /** As the audit log has it. */
  readonly route: string;
  /** Loads it for its first session. */
  readonly load: () => Promise<OpenSession>;
  /** Whether it makes no calls, so that it needs no user. */
  readonly mayLackUser?: boolean;
  /** Whether it ends when its credential expires. Absent: it outlives that, as at OpenAI. */
  readonly endsWithCredential?: boolean;
  /** Whether the address may have the credential, as `token`. */
  readonly takesTokenInAddress?: boolean;
  /** How large a message of a client may be. Absent: as the limits say. */
  readonly messageBytes?: number;
}

/** By path: the requests that may become WebSockets. */
export const socketApis: ReadonlyMap<string, SocketApi> = new Map([
  [
    '/v1/realtime',
    {
      kind: 'realtime',
      route: 'GET /v1/realtime',
      load: async () => (await import('./realtime/open.ts')).openRealtime,
    },
  ],
  [
    '/v1/responses',
    {
      kind: 'responses',
      route: 'GET /v1/responses',
      load: async () => (await import('./responses/open.ts')).openResponses,
    },
  ],
  [
    '/websocket',
    {
      kind: 'live',
      route: 'GET /websocket',
      load: async () => (await import('./live/open.ts')).openLive,
      mayLackUser: true,
      endsWithCredential: true,
      takesTokenInAddress: true,
      messageBytes: 4_096,
    },
  ],
]);
