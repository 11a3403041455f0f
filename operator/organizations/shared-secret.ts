import type { Secret } from '../cluster/cluster.ts';
import { isOperatorMade } from '../cluster/owned.ts';
import type { OrganizationCredentials } from '../credentials.ts';

/** A Secret with this label may be the shared secret of the organization that the label names. */
export const sharedSecretLabel = 'chaperone.dev/shared-secret-of';

/** The key id in the proxies' key set. */
export const sharedSecretKeyId = 'shared-secret';

/**
 * The state of the shared secret that an Organization names, with its value in base64url:
 * - `permitted`: the Secret has the organization's label
 * - `in force`: it has no label, but proxies already have this value, from before the label was required
 * - `not permitted`: it has no label, and proxies do not have the value
 * - `missing`: the Secret does not exist, or its key is missing or empty
 */
export type SharedSecret =
  | { readonly state: 'permitted' | 'in force'; readonly value: string }
  | { readonly state: 'not permitted' | 'missing' };

/**
 * Checks the Secret that an Organization names as its shared secret. The operator reads it with its own rights, not
 * with those of the Organization's writer, so the Secret itself must permit it.
 *
 * @param credentials the organization's credentials that were handed out last
 */
export function judgeSharedSecret(
  secret: Secret | undefined,
  key: string,
  organization: string,
  credentials: OrganizationCredentials | undefined,
): SharedSecret {
  const bytes = secret?.data[key];
  if (!secret || bytes === undefined || bytes.length === 0) return { state: 'missing' };
  if (isOperatorMade(secret)) return { state: 'not permitted' };
  // The raw bytes, since a secret need not be text.
  const value = Buffer.from(bytes).toString('base64url');
  if (secret.metadata.labels?.[sharedSecretLabel] === organization) return { state: 'permitted', value };
  const known = credentials?.jwks.keys.find(({ kid }) => kid === sharedSecretKeyId)?.k;
  return known === value ? { state: 'in force', value } : { state: 'not permitted' };
}
