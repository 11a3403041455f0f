import type { Secret } from './cluster.ts';

/** The label of the Secrets that the operator made. */
export const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedBy = 'chaperone';

/** The label with the uid of the object that a Secret was made for. A later object of the same name has another uid. */
export const ownerLabel = 'chaperone.dev/owner-uid';

/** The labels of a Secret that is made for an object. */
export function ownedLabels(ownerUid: string, labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...labels, [managedByLabel]: managedBy, [ownerLabel]: ownerUid };
}

/** Whether a Secret was made for the object with this uid. */
export function isMadeFor({ metadata: { labels } }: Secret, ownerUid: string): boolean {
  return labels?.[ownerLabel] === ownerUid;
}

/** Whether the operator made the Secret, for any owner. Resources must not refer to such a Secret. */
export function isOperatorMade({ metadata: { labels } }: Secret): boolean {
  return labels?.[managedByLabel] === managedBy || labels?.[ownerLabel] !== undefined;
}
