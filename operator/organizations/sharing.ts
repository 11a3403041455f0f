import type { OrganizationStatus } from '../../crds/resources.generated.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { userOf } from '../sharing.ts';
import type { TenantResource } from '../tenancy.ts';
import type { GatheredOrganization } from './gather.ts';

/** Which rules of sharing apply to an organization, with the condition about it. */
export interface SharingDecision {
  readonly rules: NonNullable<OrganizationStatus['sharing']>;
  readonly verdict: Verdict;
  /** When to check again. */
  readonly requeueAfterMs: number | undefined;
}

const lookMs = 5_000;

/**
 * Decides which rules apply. An organization that is older than `spec.sharing` keeps the former rules until it states
 * the field, even as an empty list, and until its pods are ready: sidecars of an older version do not know namespace
 * keys, and a key must have reached a namespace's pods before anything is sealed with it.
 *
 * @param propagationMs how long a new key is handed out before it is used
 */
export function decideSharing(
  gathered: Pick<GatheredOrganization, 'organization' | 'sharing' | 'memberNamespaces'>,
  nowMs: number,
  propagationMs: number,
): SharingDecision {
  const { organization, sharing } = gathered;
  const former = (reason: string, message: string, requeueAfterMs?: number): SharingDecision => ({
    rules: 'Former',
    verdict: { type: 'SharingDeclared', status: false, reason, message },
    requeueAfterMs,
  });
  const inForce = judgeNamespaces(organization, gathered.memberNamespaces) ?? declared;
  if (!sharing.sharesByDefault) return inForce;
  if (!organization.spec.sharing) return former('SharingUndeclared', describeUndeclared(sharing.objects));
  const { outdatedSidecars } = sharing;
  if (outdatedSidecars === 'unknown') {
    return former('WaitingForSidecars', `${notYet} the pods with a sidecar have not been listed yet.`, lookMs);
  }
  if (outdatedSidecars > 0) {
    const message = `${notYet} ${outdatedSidecars} pods have an outdated sidecar, which may not know spec.sharing. To bring them up to date: kubectl rollout restart, or spec.sidecars.rollout: Roll.`;
    return former('WaitingForSidecars', message);
  }
  const { keysIssuedAtS } = sharing;
  const waitMs = keysIssuedAtS === undefined ? lookMs : keysIssuedAtS * 1_000 + propagationMs - nowMs;
  if (waitMs > 0) {
    return former('WaitingForKeys', `${notYet} the namespaces' keys are on their way to the sidecars.`, waitMs);
  }
  return inForce;
}

/** Names the namespaces in `spec.sharing` that do not belong to the organization, so that nothing of theirs is shared. */
function judgeNamespaces(
  { spec }: GatheredOrganization['organization'],
  members: readonly string[],
): SharingDecision | undefined {
  const others = (spec.sharing ?? []).map(({ namespace }) => namespace).filter((name) => !members.includes(name));
  if (others.length === 0) return undefined;
  const verdict: Verdict = {
    type: 'SharingDeclared',
    status: false,
    reason: 'SharingNamespacesNotMembers',
    message: `These namespaces of spec.sharing do not belong to the Organization, so nothing of theirs is shared: ${others.join(', ')}. Label them as spec.namespaceSelector says, or remove the entries.`,
  };
  return { ...declared, verdict };
}

const notYet = 'spec.sharing is not in force yet:';

const declared: SharingDecision = {
  rules: 'Declared',
  verdict: {
    type: 'SharingDeclared',
    status: true,
    reason: 'Declared',
    message: 'Objects serve the pods of their own namespace, and others as spec.sharing says.',
  },
  requeueAfterMs: undefined,
};

/** A condition names only this many namespaces. */
const mostNamed = 10;

function describeUndeclared(objects: readonly TenantResource[]): string {
  const entries = describeUse(objects);
  const shown = entries.length > mostNamed ? [...entries.slice(0, mostNamed), '...'] : entries;
  return `The objects of every namespace serve the whole organization, as they did before spec.sharing existed. Set it. Objects that it does not name will then serve only their own namespace, and bindings for other users will not be in force. This keeps everything as it is: spec.sharing: [${shown.join(', ')}].`;
}

/** The entries of `spec.sharing` with which all objects keep serving the same callers. */
function describeUse(objects: readonly TenantResource[]): string[] {
  const uses = new Map<string, { readonly kinds: Set<string>; readonly users: Set<string> }>();
  for (const object of objects) {
    const { namespace = '' } = object.metadata;
    const use = uses.get(namespace) ?? { kinds: new Set(), users: new Set() };
    uses.set(namespace, use);
    use.kinds.add(object.kind);
    const user = userOf(object);
    if (user !== undefined) use.users.add(user);
  }
  return [...uses]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([namespace, { kinds, users }]) => {
      const named = [...users]
        .sort()
        .slice(0, mostNamed)
        .map((user) => JSON.stringify(user));
      const more = users.size > mostNamed ? [...named, '...'] : named;
      const stated = named.length === 0 ? '' : `, users: [${more.join(', ')}]`;
      return `{namespace: ${namespace}, resources: [${[...kinds].sort().join(', ')}]${stated}}`;
    });
}
