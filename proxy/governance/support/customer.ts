import { userIdOf } from '../../../database/ids.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { seesOrganization } from '../roles.ts';
import { readUserId } from '../user-id.ts';

/**
 * Whether a caller may speak for a customer: the customer, who sees the organization, or the backend of an application,
 * whose credential is bound to no user. A backend that names a user in X-User-ID speaks for that one alone.
 *
 * @param user the customer's external id
 */
export function maySpeakFor({ mayName }: Pick<Snapshot, 'mayName'>, caller: Caller, user: string): boolean {
  if (seesOrganization(caller)) return true;
  const { user: bound, defaultUser, namespace } = caller.identity;
  const named = bound ?? (caller.user === defaultUser ? undefined : caller.user);
  if (named !== undefined) return named === user;
  return mayName === undefined || namespace === undefined || mayName(namespace, user);
}

/**
 * The customer for whom a caller speaks, as the caller of the call that answers. Limits and budgets of users count for
 * the customer.
 *
 * @param named `user_id` of the request
 * @throws {ProxyError} `invalid_request`, `user_mismatch`, `user_inactive`
 */
export function customerOf(
  snapshot: Pick<Snapshot, 'organizationId' | 'mayName' | 'inactiveUsers'>,
  caller: Caller,
  named: string,
): Caller & { readonly user: string } {
  const user = readUserId('user_id', named);
  if (!maySpeakFor(snapshot, caller, user)) {
    const message = 'user_id is not a user whom this credential may speak for';
    throw new ProxyError('user_mismatch', { param: 'user_id', message });
  }
  const userId = userIdOf(snapshot.organizationId, user);
  if (snapshot.inactiveUsers.has(userId)) throw new ProxyError('user_inactive', { param: 'user_id' });
  return { ...caller, user, userId };
}
