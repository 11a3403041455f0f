import type { OrganizationSpec } from './resources.generated.ts';

/** The calls an hour of each tier. `enterprise` has no such limit. */
export const tierCalls: Readonly<Record<Exclude<NonNullable<OrganizationSpec['tier']>, 'enterprise'>, number>> = {
  free: 100,
  starter: 1_000,
  professional: 10_000,
};
