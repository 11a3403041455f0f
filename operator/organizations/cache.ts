import { operationSurfaces } from '../../crds/operation-surfaces.ts';
import type { Organization, OrganizationSpec } from '../../crds/resources.generated.ts';
import { refusesModel } from '../model-rule.ts';
import type { Verdict } from '../runtime/conditions.ts';

type Conditions = NonNullable<Organization['status']>['conditions'];

/**
 * The condition about a cache that is for no call. Undefined for an organization that never had one.
 *
 * @param conditions those of the status so far
 */
export function judgeCache(
  spec: Pick<OrganizationSpec, 'cache' | 'models' | 'surfaces'>,
  conditions: Conditions,
): Verdict | undefined {
  const type = 'CacheEffective';
  if (!spec.cache) {
    const hadOne = conditions?.some((condition) => condition.type === type) ?? false;
    return hadOne ? { type, status: true, reason: 'Effective', message: 'There is no cache.' } : undefined;
  }
  const idle = describeIdle(spec);
  if (idle === undefined) return { type, status: true, reason: 'Effective', message: 'The cache can be used.' };
  return {
    type: 'CacheEffective',
    status: false,
    reason: 'CacheForNoCall',
    message: `The cache is for no call: ${idle}. Correct spec.cache.match, or remove it.`,
  };
}

/** Which field makes the cache be for no call. */
function describeIdle({
  cache,
  models,
  surfaces,
}: Pick<OrganizationSpec, 'cache' | 'models' | 'surfaces'>): string | undefined {
  const { match } = cache ?? {};
  if (match?.models?.every((model) => refusesModel({ ...(models && { models }) }, model))) {
    return 'spec.models allows none of match.models';
  }
  const isServed = (operation: keyof typeof operationSurfaces) =>
    surfaces === undefined || surfaces.includes(operationSurfaces[operation]);
  if (match?.operations?.every((operation) => !isServed(operation))) {
    return 'spec.surfaces serves none of match.operations';
  }
  return undefined;
}
