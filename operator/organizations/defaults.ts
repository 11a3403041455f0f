import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type { Verdict } from '../runtime/conditions.ts';

/** A spec in which the stricter defaults are stated. */
export interface StatedDefaults {
  readonly spec: OrganizationSpec;
  /** The fields for which the former default still applies, each with its effect. */
  readonly former: readonly string[];
}

/**
 * States the fields whose default has become stricter, so that proxies of every version enforce the same. Their schema
 * has no default, since a value filled in by an API server could not be told from a stated one.
 *
 * @param keepsOldDefaults whether the organization is older than the stricter defaults, so the former ones apply
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

/** The condition about former defaults that still apply. Undefined for an organization that never had any. */
export function judgeDefaults(former: readonly string[], keepsOldDefaults: boolean): Verdict | undefined {
  if (!keepsOldDefaults) return undefined;
  const type = 'DefaultsStated';
  if (former.length === 0) {
    return {
      type,
      status: true,
      reason: 'Stated',
      message: 'Every field whose default has become stricter is set.',
    };
  }
  const message = `Some defaults have become stricter. The former ones apply until the Organization sets these fields: ${former.join('; ')}.`;
  return { type: 'DefaultsStated', status: false, reason: 'FormerDefaults', message };
}
