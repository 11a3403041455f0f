import type { IncomingHttpHeaders } from 'node:http';
import { LRUCache } from 'lru-cache';
import { makeSessionId, nobody, userIdOf } from '../../../database/ids.ts';
import { ProxyError, problems } from '../../error.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Caller, Identity } from '../call.ts';
import { makeReadClient } from './client.ts';
import { readLanguage } from './language.ts';
import { readOptimizationLevel } from './optimization-level.ts';
import { readService } from './service.ts';
import { maxSessionIdLength, readClientSession } from './session.ts';

/** Turns an identity and the headers beside it into the caller. */
export type Identify = (
  identity: Identity,
  headers: IncomingHttpHeaders,
  snapshot: Snapshot,
  mayLackUser?: boolean,
) => Caller;

/**
 * Makes the step that finds the user, the session and the turn of a call. A user's id derives from the external id, so
 * a new user needs no look-up. The first record creates the row.
 */
export function makeIdentify(organizationId: string): Identify {
  // Not `max`: it would allocate all of its memory at once.
  const userIds = new LRUCache<string, string>({ maxSize: 50_000, sizeCalculation: () => 1 });
  const idOf = (user: string) => {
    const known = userIds.get(user);
    if (known !== undefined) return known;
    const id = userIdOf(organizationId, user);
    userIds.set(user, id);
    return id;
  };
  const readClient = makeReadClient();
  return (identity, headers, snapshot, mayLackUser = false) => {
    const named = readHeader(headers, 'x-user-id', 255);
    if (identity.user !== undefined && named !== undefined && named !== identity.user) {
      throw new ProxyError('user_mismatch', { param: 'X-User-ID' });
    }
    if (named !== undefined && !mayName(identity, named, snapshot)) throw notAllowed(identity.namespace);
    const user = identity.user ?? named ?? identity.defaultUser;
    if (user === undefined && snapshot.requireUser && !mayLackUser) {
      throw new ProxyError('user_required', { param: 'X-User-ID' });
    }
    const userId = user === undefined ? nobody : idOf(user);
    if (snapshot.inactiveUsers.has(userId)) throw new ProxyError('user_inactive', { param: 'X-User-ID' });
    const session = readHeader(headers, 'x-session-id', maxSessionIdLength);
    const ofClient = session === undefined ? readClientSession(headers, snapshot.sessionSources) : undefined;
    return {
      identity,
      roles: identity.roles.length > 0 ? identity.roles : snapshot.defaultRoles,
      user,
      userId,
      sessionId: session ?? ofClient ?? makeSessionId(),
      sessionFrom: session !== undefined ? 'session' : ofClient !== undefined ? 'client' : undefined,
      turnId: readHeader(headers, 'x-turn-id', 128),
      optimizationLevel: readOptimizationLevel(headers['x-optimization-level']),
      service: readService(headers['x-service']),
      language: readLanguage(headers['x-language-code']),
      client: readClient(headers),
    };
  };
}

/** Many users may share a workload's credential, so the organization may limit the users that it may name. */
function mayName({ user, defaultUser, namespace }: Identity, named: string, snapshot: Snapshot): boolean {
  if (!snapshot.mayName || namespace === undefined || named === user || named === defaultUser) return true;
  return snapshot.mayName(namespace, named);
}

function notAllowed(namespace: string | undefined): ProxyError {
  const message = `${problems.user_not_allowed.message}: the Organization's spec.authentication.workloadUsers does not name the user of X-User-ID for namespace "${namespace}"`;
  return new ProxyError('user_not_allowed', { param: 'X-User-ID', message });
}

const names: Readonly<Record<string, string>> = {
  'x-user-id': 'X-User-ID',
  'x-session-id': 'X-Session-ID',
  'x-turn-id': 'X-Turn-ID',
};

/** A header's trimmed value. Undefined where it is absent or blank. */
function readHeader(headers: IncomingHttpHeaders, name: string, maxLength: number): string | undefined {
  const raw = headers[name];
  if (raw === undefined) return undefined;
  const value = decode(String(raw)).trim();
  if (value === '') return undefined;
  if (value.length > maxLength) {
    const param = names[name] ?? name;
    throw new ProxyError('invalid_header', { param, message: `${param} must have at most ${maxLength} characters` });
  }
  return value;
}

/** Node reads headers as Latin-1, but clients send UTF-8. A value that is not UTF-8 is Latin-1. */
function decode(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
  if (/^[\x00-\x7f]*$/.test(value)) return value;
  const utf8 = Buffer.from(value, 'latin1').toString('utf8');
  return utf8.includes('\ufffd') ? value : utf8;
}
