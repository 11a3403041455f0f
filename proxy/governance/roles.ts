import type { Caller } from '../calls/call.ts';
import { ProxyError } from '../error.ts';

export type Role = 'member' | 'analyst' | 'reviewer' | 'admin';

/** Whether the caller may see the whole organization's data, and not only their own. */
export function seesOrganization({ roles }: Caller): boolean {
  return roles.includes('admin') || roles.includes('analyst') || roles.includes('reviewer');
}

/**
 * Admits a caller with one of the roles. An admin is always admitted.
 *
 * @throws {ProxyError} `role_required`
 */
export function admitRole(caller: Caller, ...allowed: readonly Role[]): void {
  const sufficient = [...new Set<Role>([...allowed, 'admin'])];
  if (sufficient.some((role) => caller.roles.includes(role))) return;
  throw new ProxyError('role_required', {
    message: `This needs a credential with the role ${sufficient.join(' or ')}; this one has ${caller.roles.join(', ')}`,
  });
}
