import type { ApiKeyBinding, Organization } from '../../../crds/resources.generated.ts';
import type { MetaOnly } from './objects.ts';

const weekMs = 7 * 24 * 3_600_000;

/**
 * Lists the keys that a Secret must have and lacks. It finds the keys' names in `managedFields`, so it does not ask for
 * the values. A Secret without `managedFields` counts as complete.
 */
export function whatSecretLacks({ metadata }: MetaOnly, keys: readonly string[]): string[] {
  const { namespace, name, managedFields = [] } = metadata;
  if (managedFields.length === 0) return [];
  const there = new Set(managedFields.flatMap(({ fieldsV1 }) => Object.keys(fieldsV1?.['f:data'] ?? {})));
  const missing = keys.filter((key) => !there.has(`f:${key}`));
  return missing.length === 0 ? [] : [`namespace ${namespace}: Secret ${name} lacks ${missing.join(', ')}`];
}

/** Lists the active bindings that expire within a week. */
export function listSoonExpired(bindings: readonly ApiKeyBinding[], nowMs: number): string[] {
  return bindings.flatMap(({ metadata: { namespace, name }, spec: { expiresAt, active } }) => {
    if (expiresAt === undefined || !active) return [];
    const remainingMs = Date.parse(expiresAt) - nowMs;
    return remainingMs > 0 && remainingMs < weekMs ? [`${namespace}/${name}: ${expiresAt}`] : [];
  });
}

/** Lists the Organizations that have member namespaces, but no key for calls. */
export function listKeyless(organizations: readonly Organization[], bindings: readonly ApiKeyBinding[]): string[] {
  return organizations.flatMap(({ metadata: { name }, status }) => {
    if (status?.boundKeys !== 0 || (status.memberNamespaces ?? []).length === 0) return [];
    const own = bindings.filter(({ spec }) => spec.organizationRef.name === name).length;
    return own === 0 ? [`${name}: it has no ApiKeyBinding`] : [`${name}: none of ${own} is in force`];
  });
}
