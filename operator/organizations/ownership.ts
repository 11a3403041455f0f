import type { Secret } from '../cluster/cluster.ts';
import { isMadeFor, ownerLabel } from '../cluster/owned.ts';
import { readSigningKeys, textOf } from '../credentials.ts';

export const organizationLabel = 'chaperone.dev/organization';

/** What tells an organization from another of its name. */
export interface OrganizationIdentity {
  readonly name: string;
  /** The Organization's. */
  readonly uid: string;
  /** The database's, or made from the uid: nobody could write it down before the Organization was there. */
  readonly organizationId: string;
}

/**
 * Whether a Secret is the organization's credentials, to be written over and removed: it is labelled with the
 * Organization's uid, or has the organization's id in it. What a copy in a member namespace holds is not believed for that,
 * since whoever writes Secrets there can write both.
 */
export function isCredentialsOf(secret: Secret, { uid, organizationId }: OrganizationIdentity): boolean {
  return isMadeFor(secret, uid) || idIn(secret) === organizationId;
}

/**
 * Whether a Secret in the operator's namespace has the organization's signing keys: it is labelled with the Organization's
 * uid; or it is labelled with the organization's name and has a key that the organization's credentials accept tokens of,
 * which is so after the Organization was deleted with its data kept, and applied again; or an older release made it, which
 * set no label, for an organization that the database knows.
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
