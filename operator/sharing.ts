import type { Organization } from '../crds/resources.generated.ts';
import { matchesPattern } from './patterns.ts';
import type { Verdict } from './runtime/conditions.ts';
import type { TenantResource } from './tenancy.ts';

/** Which callers an object serves. */
export interface Reach {
  /** The only namespace whose pods it serves. Null: all member namespaces. */
  readonly servesNamespace: string | null;
  /** Why it may serve nobody. Undefined where it may serve. */
  readonly refusal: Verdict | undefined;
  /** The condition about the Organization's consent. */
  readonly consent: Verdict;
}

/**
 * Decides which callers an object serves. It serves its own namespace. To serve every namespace, or a named user, it
 * needs the Organization's consent in `spec.sharing`.
 */
export function decideReach(resource: TenantResource, organization: Organization): Reach {
  const { metadata, kind } = resource;
  const { namespace = '' } = metadata;
  const user = userOf(resource);
  const isGiven = consents(organization, resource);
  const addition = describeAddition(kind, namespace, user);
  const name = organization.metadata.name;
  if (holdsFormerRules(organization)) {
    const consent = isGiven
      ? verdict('Given', `Organization "${name}" lets namespace "${namespace}" serve all its namespaces.`)
      : notGiven(
          'SharingUndeclared',
          `It serves every namespace, as it did before spec.sharing existed. When Organization "${name}" sets spec.sharing without ${addition}, it will ${user === undefined ? `serve only the pods of namespace "${namespace}"` : 'not be in force'}.`,
        );
    return { servesNamespace: null, refusal: undefined, consent };
  }
  if (isGiven) {
    const message = `Organization "${name}" lets namespace "${namespace}" serve all its namespaces.`;
    return { servesNamespace: null, refusal: undefined, consent: verdict('Given', message) };
  }
  if (user === undefined) {
    const message = `It serves the pods of its own namespace, which needs no consent. To serve every namespace of Organization "${name}", add ${addition} to its spec.sharing.`;
    return { servesNamespace: namespace, refusal: undefined, consent: verdict('NotNeeded', message) };
  }
  const message = `Organization "${name}" does not let namespace "${namespace}" bind keys for user "${user}". Add ${addition} to its spec.sharing. Until then, no call uses this key.`;
  const consent = notGiven('ConsentMissing', message);
  return { servesNamespace: namespace, refusal: { ...consent, type: 'Ready' }, consent };
}

/** Whether an organization is older than `spec.sharing` and does not state it yet. */
export function holdsFormerRules({ status }: Organization): boolean {
  return status?.sharing !== 'Declared';
}

/** Whether the Organization allows an object to act for others. */
export function consents({ spec }: Organization, resource: TenantResource): boolean {
  const entry = spec.sharing?.find(({ namespace }) => namespace === resource.metadata.namespace);
  const user = userOf(resource);
  const allowsUser = user === undefined || entry?.users?.some((pattern) => matchesPattern(pattern, user)) === true;
  return entry?.resources.includes(resource.kind) === true && allowsUser;
}

/** The user that an object acts for. Only a binding has one; a persona's `users` are those who may use it. */
export function userOf(resource: TenantResource): string | undefined {
  return resource.kind === 'ApiKeyBinding' ? resource.spec.user : undefined;
}

/** The entry to add to `spec.sharing`, as YAML in one line. */
function describeAddition(kind: TenantResource['kind'], namespace: string, user: string | undefined): string {
  const users = user === undefined ? '' : `, users: [${JSON.stringify(user)}]`;
  return `{namespace: ${namespace}, resources: [${kind}]${users}}`;
}

function verdict(reason: string, message: string): Verdict {
  return { type: 'Consent', status: true, reason, message };
}

function notGiven(reason: string, message: string): Verdict {
  return { type: 'Consent', status: false, reason, message };
}
