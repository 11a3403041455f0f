import type { Organization } from '../../crds/resources.generated.ts';
import { matchesSelector } from '../label-selector.ts';
import { claimantsOf, isProtected, type MemberNamespace, predatesMembershipRule } from '../membership.ts';
import type { Verdict } from '../runtime/conditions.ts';

/** The facts that decide which namespaces an Organization has. */
export interface GatheredNamespaces {
  readonly organization: Organization;
  readonly organizations: readonly Organization[];
  /** All namespaces, without those being deleted, which accept no Secrets. */
  readonly namespaces: readonly MemberNamespace[];
  readonly operatorNamespace: string;
  /** The namespaces that have objects of the organization. */
  readonly usedNamespaces: ReadonlySet<string>;
}

/** The namespaces of an Organization, and the other Organizations that select them. */
export interface Members {
  /** Names, sorted. */
  readonly names: readonly string[];
  /** Those that it keeps only because it had them before the rule existed. */
  readonly kept: readonly string[];
  /** Namespaces that other Organizations select, too. */
  readonly contested: readonly ContestedNamespace[];
}

export interface ContestedNamespace {
  readonly name: string;
  /** The oldest of those that select it. */
  readonly owner: string;
  /** The other Organizations that select it. */
  readonly rivals: readonly string[];
}

/** Decides the namespaces of an Organization. */
export function decideMembers(gathered: GatheredNamespaces): Members {
  const { organization, organizations, operatorNamespace, usedNamespaces } = gathered;
  const { name } = organization.metadata;
  const { memberNamespaces = [], keptNamespaces = [] } = organization.status ?? {};
  const names: string[] = [];
  const kept: string[] = [];
  const contested: ContestedNamespace[] = [];
  const own = organizations.find(({ metadata }) => metadata.name === name);
  for (const namespace of gathered.namespaces) {
    // With a thousand Organizations, the claimants of a thousand namespaces would be a million selectors.
    if (!own || !matchesSelector(own.spec.namespaceSelector, namespace.labels)) continue;
    const claimants = claimantsOf(organizations, namespace).map(({ metadata }) => metadata.name);
    const [owner] = claimants;
    if (owner === undefined || !claimants.includes(name)) continue;
    const isSystems = isProtected(namespace.name, operatorNamespace);
    const had = predatesMembershipRule(organization) ? memberNamespaces : keptNamespaces;
    // No pod has a sidecar in a system namespace, so only objects there matter.
    const isKept = had.includes(namespace.name) && (!isSystems || usedNamespaces.has(namespace.name));
    const isOwn = owner === name && !isSystems;
    if (isOwn || isKept) names.push(namespace.name);
    if (isKept && !isOwn) kept.push(namespace.name);
    const rivals = claimants.filter((claimant) => claimant !== name);
    if (rivals.length > 0 && !isSystems) contested.push({ name: namespace.name, owner, rivals });
  }
  return { names: names.sort(), kept: kept.sort(), contested };
}

/** A condition names only this many namespaces. */
const mostNamed = 10;

/** The condition about namespaces that several Organizations select. */
export function judgeOverlap(
  { metadata: { name } }: Organization,
  { contested, kept }: Pick<Members, 'contested' | 'kept'>,
): Verdict {
  const verdict = (reason: string, message: string): Verdict => ({
    type: 'NamespacesExclusive',
    status: reason === 'Exclusive',
    reason,
    message,
  });
  if (contested.length > 0) {
    const named = contested.slice(0, mostNamed).map((namespace) => describeContested(name, namespace, kept));
    const others = contested.length > mostNamed ? `; and ${contested.length - mostNamed} more` : '';
    return verdict(
      'SelectorsOverlap',
      `Other Organizations select the same namespaces, and each namespace belongs to the oldest: ${named.join('; ')}${others}. Make each namespace match only one spec.namespaceSelector.`,
    );
  }
  if (kept.length > 0) {
    const message = `It serves system namespaces, which new Organizations cannot: ${kept.join(', ')}. Move its objects to other namespaces. Until then, it keeps these.`;
    return verdict('SystemNamespaces', message);
  }
  return verdict('Exclusive', 'No other Organization selects its namespaces.');
}

function describeContested(
  organization: string,
  { name, owner, rivals }: ContestedNamespace,
  kept: readonly string[],
): string {
  if (owner === organization) return `"${name}" belongs to this one, and is also selected by ${rivals.join(', ')}`;
  const before = kept.includes(name) ? ', and this one still serves it, as before this rule existed' : '';
  return `"${name}" belongs to ${owner}${before}`;
}
