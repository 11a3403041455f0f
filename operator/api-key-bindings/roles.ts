import type { ApiKeyBinding, Organization } from '../../crds/resources.generated.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { notReady } from '../tenant-kind.ts';

/** What calls with a binding's synthetic key may do. */
export interface RoleDecision {
  /** Null: the organization's default roles. */
  readonly roles: readonly string[] | null;
  /** Why these are not the roles that the binding states. */
  readonly problem: Verdict | undefined;
}

/**
 * Decides the roles of a binding's synthetic key: a namespace gives its pods no rights over the organization unless the
 * Organization consents.
 *
 * @param keepsFormer whether the binding was stored before synthetic keys had roles of their own: until it states some,
 *   they are the organization's default ones, as they were
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
  const message = `Organization "${organization.metadata.name}" does not let bindings give the role ${refused.join(', ')}: take it out of spec.roles, or have it added to the Organization's spec.authentication.bindingRoles. Until then calls with the synthetic key have the role ${roles.join(', ')}.`;
  return { roles, problem: notReady('RoleNotAllowed', message) };
}
