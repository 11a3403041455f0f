import type { Organization } from '../crds/resources.generated.ts';
import { isOlder } from './age.ts';
import { matchesSelector } from './label-selector.ts';

/** The fields of a namespace that decide its membership. */
export interface MemberNamespace {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The cluster's own namespaces, where no organization's pods run. */
const systemNamespaces = ['kube-system', 'kube-node-lease', 'kube-public'];

/** Whether a namespace can never be a member of an organization, whatever its labels. */
export function isProtected(namespace: string, operatorNamespace: string): boolean {
  return namespace === operatorNamespace || systemNamespaces.includes(namespace);
}

/** The Organizations whose selectors match a namespace, the oldest first, by the API server's creation times. */
export function claimantsOf(
  organizations: readonly Organization[],
  { labels = {} }: MemberNamespace,
): readonly Organization[] {
  return organizations
    .filter(({ metadata, spec }) => !metadata.deletionTimestamp && matchesSelector(spec.namespaceSelector, labels))
    .toSorted((one, other) => (isOlder(one, other) ? -1 : 1));
}

/**
 * The Organizations that a namespace belongs to. The first is the oldest whose selector matches. The others already
 * served the namespace before only the oldest could; they keep it, so that its pods keep their credentials.
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

/** Why a namespace does not belong to an Organization, as the end of a sentence. */
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
  if (isProtected(namespace.name, operatorNamespace))
    return 'it is one of the cluster’s own namespaces, which belong to no Organization.';
  return `Organization "${claimants[0]?.metadata.name}" also selects it, and is older. Make only one namespaceSelector match the namespace.`;
}

/** Whether an Organization was last reconciled by an operator that allowed overlapping selectors. */
export function predatesMembershipRule({ status }: Organization): boolean {
  return status?.memberNamespaces !== undefined && status.keptNamespaces === undefined;
}

/** Until the first reconciliation decides which namespaces it keeps, such an Organization keeps all that it had. */
function keeps(organization: Organization, namespace: string): boolean {
  const { keptNamespaces, memberNamespaces } = organization.status ?? {};
  return (keptNamespaces ?? memberNamespaces)?.includes(namespace) === true;
}
