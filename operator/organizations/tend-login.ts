import { DatabaseError } from 'pg';
import {
  endOrganizationSessions,
  ensureOrganizationRole,
  limitOrganizationRole,
  notePasswordAge,
} from '../../database/roles.ts';
import type { ObjectKey } from '../cluster/cluster.ts';
import type { OrganizationContext } from './context.ts';
import type { OrganizationDecision } from './decide.ts';
import type { GatheredOrganization } from './gather.ts';
import type { Login } from './login.ts';

type Context = Pick<OrganizationContext, 'cluster' | 'db' | 'logins'>;
type Key = ObjectKey<'Organization'>;

/** `insufficient_privilege` */
const notPermitted = '42501';

/**
 * Restores a password that somebody changed, and ends all older sessions, since one of them changed it. PostgreSQL lets
 * every role change its own password.
 */
export async function restorePassword(
  { cluster, db, logins }: Context,
  key: Key,
  id: string,
  login: Login,
): Promise<void> {
  await ensureOrganizationRole(db, id, login.password);
  logins?.noteIssued(login);
  const message =
    'Somebody else changed the password of the organization’s database role. The operator has set the password that proxies have, and ended the role’s sessions.';
  await cluster.recordEvent(key, { type: 'Warning', reason: 'DatabasePasswordRestored', message });
  await unlessRefused(() => endOrganizationSessions(db, id));
}

/**
 * Sets missing limits of a login, and ends sessions from before a rotation once every proxy has the new password.
 *
 * @returns why the database does not allow it; undefined where it does
 */
export async function limitLogin(
  { cluster, db }: Context,
  key: Key,
  { organizationId, storedLogin, credentials }: GatheredOrganization,
  { connections, endsOldSessions }: Extract<OrganizationDecision, { action: 'apply' }>,
): Promise<string | undefined> {
  return unlessRefused(async () => {
    if (!storedLogin?.hasItsSettings || storedLogin.connectionLimit !== connections) {
      await limitOrganizationRole(db, organizationId, connections);
    }
    if (storedLogin && !storedLogin.wasLimited && credentials) {
      await notePasswordAge(db, organizationId, credentials.loginIssuedAtS);
    }
    if (storedLogin?.wasLimited && !storedLogin.hasItsSettings) {
      const message =
        'Somebody else changed the settings of the organization’s database role. The operator has corrected them.';
      await cluster.recordEvent(key, { type: 'Warning', reason: 'DatabaseRoleRestored', message });
    }
    if (endsOldSessions) await endOrganizationSessions(db, organizationId);
  });
}

async function unlessRefused(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === notPermitted) return error.message;
    throw error;
  }
}
