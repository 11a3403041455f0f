import { nobody, userIdOf } from '../../../database/ids.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { findSessionUser, noteUser, type SessionFilter } from '../../../database/speech/sessions.ts';
import { toStorable } from '../../../database/storable.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { seesOrganization } from '../roles.ts';

/** A session, as it is asked for. */
export interface SessionQuestion {
  readonly sessionId: string;
  /** External id: only the session of this user. Absent: every one of this id that the caller may see. */
  readonly user?: string | undefined;
}

/**
 * Selects a session that the caller may see: its own, or any, for who sees the organization.
 *
 * @throws {ProxyError} `role_required` for the session of another user
 */
export function selectSession(
  { inForce }: Pick<GovernanceContext, 'inForce'>,
  caller: Caller,
  { sessionId, user }: SessionQuestion,
): SessionFilter {
  const { organizationId } = inForce().snapshot;
  if (!seesOrganization(caller) && user !== undefined && user !== caller.user) {
    const message = 'Sessions of other users are for the roles analyst, reviewer and admin to see: leave user_id out';
    throw new ProxyError('role_required', { param: 'user_id', message });
  }
  const userId = user === undefined ? null : userIdOf(organizationId, user);
  return {
    organizationId,
    sessionId: toStorable(sessionId),
    userId: seesOrganization(caller) ? userId : caller.userId,
  };
}

/** The session that something is said about: whose it is, and where it is stored. */
export interface StatedSession {
  readonly organizationId: string;
  readonly sessionId: string;
  readonly userId: string;
}

/**
 * Finds whose session it is that a caller says something about. A member speaks of its own. For who sees the
 * organization, it is also the session of the user who was in it: the backend of an application posts for its users.
 *
 * @returns undefined where nothing is known of such a session
 */
export async function findStatedSession(
  context: Pick<GovernanceContext, 'inForce'>,
  db: Queryable,
  caller: Caller,
  sessionId: string,
): Promise<StatedSession | undefined> {
  const filter = selectSession(context, caller, { sessionId });
  const userId = await findSessionUser(db, filter, caller.userId);
  return userId === undefined ? undefined : { ...filter, userId };
}

/** @throws {ProxyError} `session_not_found` where nothing is known of a selected session */
export async function requireSession(db: Queryable, filter: SessionFilter, caller: Caller): Promise<void> {
  if ((await findSessionUser(db, filter, caller.userId)) === undefined) throw sessionNotFound();
}

export function sessionNotFound(): ProxyError {
  return new ProxyError('session_not_found', { param: 'session_id' });
}

/**
 * As `findStatedSession`. One of which nothing is known begins with what is said: its services may all be called
 * elsewhere.
 */
export async function beginStatedSession(
  context: Pick<GovernanceContext, 'inForce'>,
  db: Queryable,
  caller: Caller,
  sessionId: string,
): Promise<StatedSession> {
  const known = await findStatedSession(context, db, caller, sessionId);
  if (known) return known;
  await noteCaller(context, db, caller);
  return { ...selectSession(context, caller, { sessionId }), userId: caller.userId };
}

/** Makes the caller's row among the users, so that what is stored of it has a name. */
export async function noteCaller(
  { inForce }: Pick<GovernanceContext, 'inForce'>,
  db: Queryable,
  { user, userId }: Caller,
): Promise<void> {
  if (user === undefined || userId === nobody) return;
  await noteUser(db, inForce().snapshot.organizationId, { userId, externalId: toStorable(user) });
}
