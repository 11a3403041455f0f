import type { RequestReference } from '../../database/requests.ts';
import type { Caller } from '../calls/call.ts';
import { ProxyError } from '../error.ts';
import type { GovernanceContext } from './context.ts';
import { seesOrganization } from './roles.ts';

/**
 * Finds a call of the caller's own, or any call, for who sees the organization.
 *
 * @param id a request id or a response id
 * @throws {ProxyError} `request_not_found`, the same for one that does not exist and one that is another user's;
 * `store_unavailable`
 */
export async function requireOwnRequest(
  { findRequest }: Pick<GovernanceContext, 'findRequest'>,
  caller: Caller,
  id: string,
): Promise<RequestReference> {
  const request = await findRequest(id);
  if (request && (request.userId === caller.userId || seesOrganization(caller))) return request;
  throw new ProxyError('request_not_found', { param: 'id' });
}
