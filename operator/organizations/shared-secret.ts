import type { Secret } from '../cluster/cluster.ts';
import { isOperatorMade } from '../cluster/owned.ts';
import type { OrganizationCredentials } from '../credentials.ts';

/** A Secret with this label may be the shared secret of the organization that the label names. */
export const sharedSecretLabel = 'chaperone.dev/shared-secret-of';

/** In the key set that proxies get. */
export const sharedSecretKeyId = 'shared-secret';

/**
 * What there is of the shared secret that an Organization names, with its value in base64url:
 * - `permitted`: the Secret is labelled for the organization
 * - `in force`: it is not, but proxies have this very value already, from before Secrets had to be labelled
 * - `not permitted`: it is not, and proxies do not have it
 * - `missing`: there is no such Secret, or the key in it is missing or empty
 */
export type SharedSecret =
  | { readonly state: 'permitted' | 'in force'; readonly value: string }
  | { readonly state: 'not permitted' | 'missing' };

/**
 * Judges the Secret that an Organization names for its shared secret. The operator reads it by its own right, not by that
 * of whoever wrote the Organization, so the Secret itself has to permit it.
 *
 * @param credentials the organization's, as they were handed out last
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
  // The very bytes: a secret need not be text.
  const value = Buffer.from(bytes).toString('base64url');
  if (secret.metadata.labels?.[sharedSecretLabel] === organization) return { state: 'permitted', value };
  const known = credentials?.jwks.keys.find(({ kid }) => kid === sharedSecretKeyId)?.k;
  return known === value ? { state: 'in force', value } : { state: 'not permitted' };
}
