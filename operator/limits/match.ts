import { operationSurfaces } from '../../crds/operation-surfaces.ts';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { type IsListed, whyNoModel } from '../known-models.ts';
import { isOnlyAlias } from '../model-rule.ts';
import { matchesPattern, overlap } from '../patterns.ts';

type Match = NonNullable<NonNullable<OrganizationSpec['limits']>[number]['match']>;

/** The calls that there can be. */
export interface MatchScope {
  readonly spec: Pick<OrganizationSpec, 'models' | 'providers' | 'prices' | 'surfaces'>;
  /** The namespaces whose pods may call. */
  readonly namespaces: readonly string[];
  readonly isListed: IsListed;
  /** The only user. Undefined: there may be others. */
  readonly user?: string | undefined;
  /** The models of the binding, as patterns. Undefined: every model. */
  readonly models?: readonly string[] | undefined;
}

/** The parts of a match that no call can fit, each with the reason. */
export function whyUnmatched(match: Match | undefined, scope: MatchScope): string[] {
  if (!match) return [];
  const tests = {
    models: (model: string) => whyUncalled(model, scope),
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

function whyUncalled(model: string, { spec, models, isListed }: MatchScope): string | undefined {
  if (isOnlyAlias(spec, model)) return 'it is an alias: rules see the model that it stands for';
  const why = whyNoModel(model, spec, isListed);
  return why ?? (overlap([model], models) ? undefined : 'the binding is for other models');
}

function whyNoOperation(operation: keyof typeof operationSurfaces, { spec }: MatchScope): string | undefined {
  const surface = operationSurfaces[operation];
  return !spec.surfaces || spec.surfaces.includes(surface) ? undefined : `spec.surfaces lacks ${surface}`;
}

/** The users and workloads that there cannot be, each with the reason. */
export function whyNobody({ users, workloads }: Pick<Match, 'users' | 'workloads'>, namespaces: readonly string[]) {
  return [
    ...explain('users', users, (user) => whyNoUser(user, { namespaces })),
    ...explain('workloads', workloads, (workload) => whyNoWorkload(workload, namespaces)),
  ];
}

function whyNoUser(pattern: string, { user, namespaces }: Pick<MatchScope, 'user' | 'namespaces'>): string | undefined {
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
