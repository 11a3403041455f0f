import { operationSurfaces } from '../../crds/operation-surfaces.ts';
import type { Organization, OrganizationSpec } from '../../crds/resources.generated.ts';
import { type MatchScope, whyUnmatched } from '../limits/match.ts';
import { refusesModel } from '../model-rule.ts';
import type { Verdict } from '../runtime/conditions.ts';

type Conditions = NonNullable<Organization['status']>['conditions'];

/**
 * The condition about a cache that is for no call. Undefined for an organization that never had one.
 *
 * @param conditions those of the status so far
 */
export function judgeCache(
  scope: Omit<MatchScope, 'spec'> & { readonly spec: MatchScope['spec'] & Pick<OrganizationSpec, 'cache'> },
  conditions: Conditions,
): Verdict | undefined {
  const { spec } = scope;
  const type = 'CacheEffective';
  if (!spec.cache) {
    const hadOne = conditions?.some((condition) => condition.type === type) ?? false;
    return hadOne ? { type, status: true, reason: 'Effective', message: 'There is no cache.' } : undefined;
  }
  const idle = describeIdle(spec);
  if (idle !== undefined) {
    return {
      type: 'CacheEffective',
      status: false,
      reason: 'CacheForNoCall',
      message: `The cache is for no call: ${idle}. Correct spec.cache.match, or remove it.`,
    };
  }
  const unmatched = whyUnmatched(spec.cache.match, scope);
  if (unmatched.length > 0) {
    return {
      type: 'CacheEffective',
      status: false,
      reason: 'CacheMatchesNothing',
      message: `No call can fit these parts of spec.cache.match: ${unmatched.join('; ')}. Correct or remove them.`,
    };
  }
  return { type, status: true, reason: 'Effective', message: 'The cache can be used.' };
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
