import type { Organization } from '../crds/resources.generated.ts';
import { isOlder } from './age.ts';
import { matchesSelector } from './label-selector.ts';

/** A namespace, as far as membership goes. */
export interface MemberNamespace {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What is the cluster's own: no organization's pods run there. */
const systemNamespaces = ['kube-system', 'kube-node-lease', 'kube-public'];

/** Whether a namespace is a member of no organization, whatever its labels say, and whatever a selector matches. */
export function isProtected(namespace: string, operatorNamespace: string): boolean {
  return namespace === operatorNamespace || systemNamespaces.includes(namespace);
}

/** The Organizations whose selectors match a namespace, the oldest first. Who is older is for the API server to say. */
export function claimantsOf(
  organizations: readonly Organization[],
  { labels = {} }: MemberNamespace,
): readonly Organization[] {
  return organizations
    .filter(({ metadata, spec }) => !metadata.deletionTimestamp && matchesSelector(spec.namespaceSelector, labels))
    .toSorted((one, other) => (isOlder(one, other) ? -1 : 1));
}

/**
 * The Organizations that a namespace belongs to: the oldest of those whose selectors match it. Behind it, those that
 * served the namespace before that was a rule; its pods would lose their credentials.
 */
export function organizationsOf(
  organizations: readonly Organization[],
  namespace: MemberNamespace,
  operatorNamespace: string,
): readonly Organization[] {
  const claimants = claimantsOf(organizations, namespace);
  const isFree = !isProtected(namespace.name, operatorNamespace);
  return claimants.filter((claimant, index) => (isFree && index === 0) || keeps(claimant, namespace.name));
}

/** Whether a namespace belongs to an Organization. */
export function isMember(
  organizations: readonly Organization[],
  organization: Organization,
  namespace: MemberNamespace,
  operatorNamespace: string,
): boolean {
  const others = organizations.filter(({ metadata }) => metadata.name !== organization.metadata.name);
  return organizationsOf([...others, organization], namespace, operatorNamespace).includes(organization);
}

/** Why a namespace does not belong to an Organization, in words that end a sentence. */
export function whyNotMember(
  organizations: readonly Organization[],
  { metadata }: Organization,
  namespace: MemberNamespace,
  operatorNamespace: string,
): string {
  const claimants = claimantsOf(organizations, namespace);
  if (!claimants.some((claimant) => claimant.metadata.name === metadata.name)) {
    return "its labels do not match the Organization's namespaceSelector.";
  }
  if (isProtected(namespace.name, operatorNamespace)) return 'it is the cluster’s own, and no Organization has those.';
  return `Organization "${claimants[0]?.metadata.name}" selects it too, and is older. Have it match one namespaceSelector.`;
}

/** Whether an Organization was reconciled last by an operator for which overlapping selectors were no concern. */
export function isBeforeRule({ status }: Organization): boolean {
  return status?.memberNamespaces !== undefined && status.keptNamespaces === undefined;
}

/** Until a first look has decided which namespaces it keeps, an Organization of before has all that it had. */
function keeps(organization: Organization, namespace: string): boolean {
  const { keptNamespaces, memberNamespaces } = organization.status ?? {};
  return (keptNamespaces ?? memberNamespaces)?.includes(namespace) === true;
}
