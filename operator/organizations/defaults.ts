import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type { Verdict } from '../runtime/conditions.ts';

/** A spec whose stricter defaults are stated. */
export interface StatedDefaults {
  readonly spec: OrganizationSpec;
  /** The fields for which the former default still holds, each with what that lets happen. */
  readonly former: readonly string[];
}

/**
 * States the fields whose default has become stricter, so that proxies of every version enforce the same. Their schema has
 * no default: one that an API server fills in could not be told from one that somebody stated.
 *
 * @param keepsOldDefaults whether the organization was stored before: for it the former defaults hold
 */
export function stateDefaults(spec: OrganizationSpec, keepsOldDefaults: boolean): StatedDefaults {
  const { authentication } = spec;
  if (authentication?.defaultRoles) return { spec, former: [] };
  const stated = (role: 'admin' | 'member') => ({
    ...spec,
    authentication: { ...authentication, defaultRoles: [role] },
  });
  if (!keepsOldDefaults) return { spec: stated('member'), former: [] };
  const former = 'spec.authentication.defaultRoles ([admin] until stated, [member] in new organizations)';
  return { spec: stated('admin'), former: [former] };
}

/** Says which former defaults still hold; undefined for an organization that never had any. */
export function judgeDefaults(former: readonly string[], keepsOldDefaults: boolean): Verdict | undefined {
  if (!keepsOldDefaults) return undefined;
  const type = 'DefaultsStated';
  if (former.length === 0) {
    return {
      type,
      status: true,
      reason: 'Stated',
      message: 'Every field whose default has become stricter is stated.',
    };
  }
  const message = `The organization is older than some defaults. The former ones hold until it states these fields: ${former.join('; ')}.`;
  return { type: 'DefaultsStated', status: false, reason: 'FormerDefaults', message };
}
