import type { Caller } from '../calls/call.ts';
import type { GovernanceContext } from './context.ts';
import { admitRole } from './roles.ts';

/** The Organization in force, as kubectl takes it. */
export interface StatedOrganization {
  readonly apiVersion: string;
  readonly kind: 'Organization';
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

/**
 * Says what the Organization states, with defaults, for an admin. Secrets are only named in it.
 *
 * @throws {ProxyError} `role_required`
 */
export async function readOrganization(
  { inForce }: Pick<GovernanceContext, 'inForce'>,
  caller: Caller,
): Promise<StatedOrganization> {
  admitRole(caller, 'admin');
  const { organizationName: name, spec } = inForce().snapshot;
  const { apiVersion } = await import('../../crds/definition.ts');
  return { apiVersion, kind: 'Organization', metadata: { name }, spec };
}
