import { apiRoutes } from '../../crds/api-routes.generated.ts';
import type { Organization } from '../../crds/resources.generated.ts';
import { coversRoute, parseRoute } from '../../crds/route-pattern.ts';
import type { Verdict } from '../runtime/conditions.ts';

const declared = apiRoutes.map(parseRoute);

/**
 * The condition about deprecations that no request can meet. Nothing else depends on it. Undefined for an organization that
 * has none, and had none.
 */
export function judgeDeprecations({ spec, status }: Pick<Organization, 'spec' | 'status'>): Verdict | undefined {
  const { deprecations = [] } = spec;
  const had = status?.conditions?.some(({ type }) => type === 'DeprecationsEffective') ?? false;
  if (deprecations.length === 0 && !had) return undefined;
  const unmet = deprecations.filter(({ route }) => {
    const pattern = parseRoute(route);
    return !declared.some((one) => coversRoute(pattern, one));
  });
  if (unmet.length === 0) {
    const message = 'Every deprecation is of a route that there is.';
    return { type: 'DeprecationsEffective', status: true, reason: 'Effective', message };
  }
  const routes = unmet.slice(0, 10).map(({ route }) => `"${route}"`);
  const more = unmet.length > routes.length ? ` and ${unmet.length - routes.length} more` : '';
  return {
    type: 'DeprecationsEffective',
    status: false,
    reason: 'DeprecationMatchesNothing',
    message: `No request can meet these routes of spec.deprecations: ${routes.join(', ')}${more}. Correct or remove them; /openapi.json has the routes that there are.`,
  };
}
