import { operationSurfaces } from '../../crds/operation-surfaces.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { isOnlyAlias, refusesModel } from '../model-rule.ts';
import { matchesPattern, overlap } from '../patterns.ts';

type Match = NonNullable<NonNullable<OrganizationSpec['limits']>[number]['match']>;

/** The calls that there can be. */
export interface MatchScope {
  readonly spec: Pick<OrganizationSpec, 'models' | 'providers' | 'surfaces'>;
  /** The namespaces whose pods may call. */
  readonly namespaces: readonly string[];
  /** The only user. Undefined: there may be others. */
  readonly user?: string | undefined;
  /** The models of the binding, as patterns. Undefined: every model. */
  readonly models?: readonly string[] | undefined;
}

/** The parts of a match that no call can fit, each with the reason. */
export function whyUnmatched(match: Match | undefined, scope: MatchScope): string[] {
  if (!match) return [];
  const tests = {
    models: (model: string) => whyNoModel(model, scope),
    operations: (operation: NonNullable<Match['operations']>[number]) => whyNoOperation(operation, scope),
    users: (user: string) => whyNoUser(user, scope),
    workloads: (workload: string) => whyNoWorkload(workload, scope.namespaces),
  };
  return [
    ...explain('models', match.models, tests.models),
    ...explain('operations', match.operations, tests.operations),
    ...explain('users', match.users, tests.users),
    ...explain('workloads', match.workloads, tests.workloads),
  ];
}

function explain<T extends string>(field: string, items: readonly T[] = [], why: (item: T) => string | undefined) {
  return items.flatMap((item) => {
    const reason = why(item);
    return reason === undefined ? [] : [`${field} ${JSON.stringify(item)} (${reason})`];
  });
}

function whyNoModel(model: string, { spec, models }: MatchScope): string | undefined {
  if (isOnlyAlias(spec, model)) return 'it is an alias: rules see the model that it stands for';
  const { allow, deny = [] } = spec.models ?? {};
  const isDenied = deny.some((pattern) => matchesPattern(pattern, model));
  if (refusesModel(spec, model) || isDenied || !overlap([model], allow)) return 'spec.models does not allow it';
  const served = spec.providers.map((provider) => provider.models?.map(({ name }) => name));
  if (!served.some((names) => overlap([model], names))) return 'no provider serves it';
  return overlap([model], models) ? undefined : 'the binding is for other models';
}

function whyNoOperation(operation: keyof typeof operationSurfaces, { spec }: MatchScope): string | undefined {
  const surface = operationSurfaces[operation];
  return !spec.surfaces || spec.surfaces.includes(surface) ? undefined : `spec.surfaces lacks ${surface}`;
}

function whyNoUser(pattern: string, { user, namespaces }: MatchScope): string | undefined {
  if (user !== undefined && !matchesPattern(pattern, user)) return `the binding is for user ${JSON.stringify(user)}`;
  // Anybody else may be a user. Service accounts are those of member namespaces.
  const [, namespace] = /^system:serviceaccount:([^:]+):/.exec(pattern) ?? [];
  if (namespace === undefined || overlap([namespace], namespaces)) return undefined;
  return `namespace ${namespace} is not a member`;
}

/** Why no call is from a workload. @param namespaces the namespaces whose pods may call */
export function whyNoWorkload(pattern: string, namespaces: readonly string[]): string | undefined {
  const [namespace = ''] = pattern.split('/');
  // Without a slash, a `*` may also stand for one.
  const place = pattern.includes('/') ? namespace : `${namespace.split('*')[0]}${namespace.includes('*') ? '*' : ''}`;
  return overlap([place], namespaces) ? undefined : `no namespace that may call is ${place}`;
}
