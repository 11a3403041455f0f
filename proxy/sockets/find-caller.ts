import type { IncomingMessage } from 'node:http';
import { errors } from 'jose';
import type { Identified, InForce } from '../calls/context.ts';
import { readCredential } from '../calls/identify/tokens/credential.ts';
import type { Pipeline } from '../calls/pipeline.ts';
import { ProxyError } from '../error.ts';
import {
  type ClientSecret,
  identityOf,
  openSecret,
  requireFresh,
  requireStanding,
  secretPrefix,
} from './client-secret.ts';

/** The subprotocol in which browsers send a key, since they cannot set headers. */
const keyProtocol = 'openai-insecure-api-key.';

/** The holder of a session. */
export interface SessionCaller {
  /** The ephemeral key that opened it. Undefined: it was opened by another credential. */
  readonly secret: ClientSecret | undefined;
  /**
   * Finds the caller by what is in force now. A credential that has expired since still holds its session, unless the API
   * ends with it; one that was revoked does not.
   *
   * @throws {ProxyError} where the caller may make no calls any more
   */
  find(): Identified | Promise<Identified>;
}

/** What an API asks of who opens its sessions. */
export interface CallerTerms {
  /** Whether the session needs no user, even where the organization requires one of calls. */
  readonly mayLackUser?: boolean | undefined;
  /** Whether the session ends when its credential expires. */
  readonly endsWithCredential?: boolean | undefined;
}

/**
 * Reads who opens a session, by a header, a subprotocol or an ephemeral key.
 *
 * @throws {ProxyError} `invalid_credentials`, `invalid_header`
 */
export function readCaller(
  { headers: stated, rawHeaders }: Pick<IncomingMessage, 'headers' | 'rawHeaders'>,
  { authenticate, identify }: Pick<Pipeline, 'authenticate' | 'identify'>,
  inForce: () => InForce,
  terms: CallerTerms = {},
): SessionCaller {
  const headers = withKeyOfProtocol(stated);
  const credential = readCredential(headers);
  if (!credential.startsWith(secretPrefix)) {
    return {
      secret: undefined,
      find: rememberSession(
        () => authenticate({ headers, rawHeaders }, terms.mayLackUser),
        headers,
        identify,
        inForce,
        terms,
      ),
    };
  }
  const first = inForce();
  const secret = openSecret(first.envelope, first.snapshot, credential);
  requireFresh(secret);
  const find = () => {
    const current = inForce();
    requireStanding(secret, current.snapshot);
    const named = { ...headers, 'x-session-id': secret.sessionId };
    return { caller: identify(identityOf(secret), named, current.snapshot), inForce: current };
  };
  return { secret, find };
}

/** @throws {ProxyError} `invalid_header` where a header has another credential */
function withKeyOfProtocol(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const protocols = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  const key = protocols.find((protocol) => protocol.startsWith(keyProtocol))?.slice(keyProtocol.length);
  if (key === undefined || key === '') return headers;
  const authorization = `Bearer ${key}`;
  if (headers.authorization !== undefined && headers.authorization !== authorization) {
    const message = `Authorization and the subprotocol ${keyProtocol}… have different credentials; send one of them`;
    throw new ProxyError('invalid_header', { param: 'Sec-WebSocket-Protocol', message });
  }
  return { ...headers, authorization };
}

/** The session stays the same, also where the proxy has chosen it. */
function rememberSession(
  find: SessionCaller['find'],
  headers: IncomingMessage['headers'],
  identify: Pipeline['identify'],
  inForce: () => InForce,
  { mayLackUser, endsWithCredential }: CallerTerms,
): SessionCaller['find'] {
  let last: Identified | undefined;
  const note = (found: Identified) => {
    headers['x-session-id'] ??= found.caller.sessionId;
    last = found;
    return found;
  };
  const orLast = (error: unknown) => {
    const hasExpired = error instanceof ProxyError && error.cause instanceof errors.JWTExpired;
    if (!hasExpired || !last || endsWithCredential) throw error;
    const current = inForce();
    return { caller: identify(last.caller.identity, headers, current.snapshot, mayLackUser), inForce: current };
  };
  return () => {
    try {
      const found = find();
      return found instanceof Promise ? found.then(note, orLast) : note(found);
    } catch (error) {
      return orLast(error);
    }
  };
}
