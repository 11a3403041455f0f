import { readPasswordHash } from '../../database/password-hash.ts';
import type { Secret } from '../cluster/cluster.ts';
import { isOperatorMade } from '../cluster/owned.ts';

/** A Secret with this label may hold the hashes of passwords of accounts of the organization that the label names. */
export const accountsLabel = 'chaperone.dev/accounts-of';

/** The state of the hash that an account names. */
export type JudgedHash =
  | { readonly state: 'permitted'; readonly hash: string }
  /** `unusable`: it is no hash as in password-hash.ts. */
  | { readonly state: 'missing' | 'not permitted' | 'unusable' };

/**
 * Checks the Secret that an account names. The operator reads it with its own rights, not with those of the Organization's
 * writer, so the Secret itself must permit it. White space around the value does not count.
 */
export function judgeHash(secret: Secret | undefined, key: string, organization: string): JudgedHash {
  const bytes = secret?.data[key];
  if (!secret || bytes === undefined || bytes.length === 0) return { state: 'missing' };
  const isPermitted = secret.metadata.labels?.[accountsLabel] === organization;
  if (isOperatorMade(secret) || !isPermitted) return { state: 'not permitted' };
  const hash = Buffer.from(bytes).toString('utf8').trim();
  return readPasswordHash(hash) ? { state: 'permitted', hash } : { state: 'unusable' };
}
