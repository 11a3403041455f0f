import type { Caller } from '../calls/call.ts';
import type { GovernanceContext } from './context.ts';
import { seesOrganization } from './roles.ts';

/** What a credential is worth. */
export interface CallerDescription {
  /** External id. Null where the organization requires no user. */
  readonly user: string | null;
  readonly roles: readonly string[];
  readonly seesOrganization: boolean;
  readonly organization: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly storesContents: boolean;
  /** Null: all. */
  readonly surfaces: readonly string[] | null;
}

/** Says who calls, and what the caller may see. */
export function describeCaller({ inForce }: Pick<GovernanceContext, 'inForce'>, caller: Caller): CallerDescription {
  const { organizationId: id, organizationName: name, spec, storesContents, surfaces } = inForce().snapshot;
  return {
    user: caller.user ?? null,
    roles: caller.roles,
    seesOrganization: seesOrganization(caller),
    organization: { id, name, displayName: spec.displayName ?? name },
    storesContents,
    surfaces: surfaces ? [...surfaces] : null,
  };
}
