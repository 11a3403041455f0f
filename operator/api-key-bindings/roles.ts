import type { ApiKeyBinding, Organization } from '../../crds/resources.generated.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { notReady } from '../tenant-kind.ts';

/** The roles of calls with a binding's synthetic key. */
export interface RoleDecision {
  /** Null: the organization's default roles. */
  readonly roles: readonly string[] | null;
  /** Why these differ from the roles that the binding states. */
  readonly problem: Verdict | undefined;
}

/**
 * Decides the roles of a binding's synthetic key. A namespace can give its pods rights over the organization only with
 * the Organization's consent.
 *
 * @param keepsFormer whether the binding is older than the roles of synthetic keys: until it states some, it keeps the
 * organization's default roles
 */
export function decideRoles(
  { spec }: Pick<ApiKeyBinding, 'spec'>,
  organization: Organization,
  keepsFormer: boolean,
): RoleDecision {
  if (!spec.roles) return { roles: keepsFormer ? null : ['member'], problem: undefined };
  const allowed: readonly string[] = ['member', ...(organization.spec.authentication?.bindingRoles ?? [])];
  const refused = spec.roles.filter((role) => !allowed.includes(role));
  if (refused.length === 0) return { roles: spec.roles, problem: undefined };
  const rest = spec.roles.filter((role) => allowed.includes(role));
  const roles = rest.length > 0 ? rest : ['member'];
  const message = `Organization "${organization.metadata.name}" does not let bindings give the role ${refused.join(', ')}. Remove it from spec.roles, or add it to the Organization's spec.authentication.bindingRoles. Until then, calls with the synthetic key have the role ${roles.join(', ')}.`;
  return { roles, problem: notReady('RoleNotAllowed', message) };
}
