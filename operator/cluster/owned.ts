import type { Secret } from './cluster.ts';

/** Says of a Secret that the operator made it. */
export const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedBy = 'chaperone';

/** Says for which object the operator made a Secret: the object's uid, which no later object of that name has. */
export const ownerLabel = 'chaperone.dev/owner-uid';

/** The labels of a Secret that is made for an object. */
export function ownedLabels(ownerUid: string, labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...labels, [managedByLabel]: managedBy, [ownerLabel]: ownerUid };
}

/** Whether a Secret was made for the object with this uid. */
export function isMadeFor({ metadata: { labels } }: Secret, ownerUid: string): boolean {
  return labels?.[ownerLabel] === ownerUid;
}

/** Whether the operator made a Secret, for whomever. What it made is nobody's to refer to. */
export function isOperators({ metadata: { labels } }: Secret): boolean {
  return labels?.[managedByLabel] === managedBy || labels?.[ownerLabel] !== undefined;
}
