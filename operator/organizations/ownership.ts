import type { Secret } from '../cluster/cluster.ts';
import { isMadeFor, ownerLabel } from '../cluster/owned.ts';
import { readSigningKeys, textOf } from '../credentials.ts';

export const organizationLabel = 'chaperone.dev/organization';

/** The identity of an organization, which differs from that of another with the same name. */
export interface OrganizationIdentity {
  readonly name: string;
  /** The uid of the Organization. */
  readonly uid: string;
  /** From the database, or derived from the uid, so nobody can know it before the Organization exists. */
  readonly organizationId: string;
}

/**
 * Whether a Secret is the organization's credentials, and so may be overwritten and deleted: it has the Organization's
 * uid as a label, or the organization's id in it. That does not make the content of a copy in a member namespace
 * trustworthy, since writers of Secrets there can write both.
 */
export function isCredentialsOf(secret: Secret, { uid, organizationId }: OrganizationIdentity): boolean {
  return isMadeFor(secret, uid) || idIn(secret) === organizationId;
}

/**
 * Whether a Secret in the operator's namespace has the organization's signing keys. Either it has the Organization's
 * uid as a label. Or it has the organization's name as a label and a key that the credentials accept; that is so after
 * an Organization with retained data was deleted and applied again. Or an older release, which set no label, made it
 * for an organization in the database.
 *
 * @param acceptedKeyIds the ids of the keys in the organization's own credentials
 */
export function isSigningKeysOf(
  secret: Secret,
  { name, uid }: OrganizationIdentity,
  acceptedKeyIds: readonly (string | undefined)[],
  isStored: boolean,
): boolean {
  if (isMadeFor(secret, uid)) return true;
  const { labels } = secret.metadata;
  const keys = readSigningKeys(secret);
  if (labels?.[organizationLabel] !== name || keys.length === 0) return false;
  return keys.some(({ kid }) => acceptedKeyIds.includes(kid)) || (isStored && labels[ownerLabel] === undefined);
}

function idIn(secret: Secret): unknown {
  try {
    const organization: unknown = JSON.parse(textOf(secret, 'organization.json'));
    return typeof organization === 'object' && organization !== null && 'id' in organization
      ? organization.id
      : undefined;
  } catch {
    return undefined;
  }
}
