import type { Queryable } from '../queryable.ts';
import type { Revocation } from '../revocations.ts';
import { appendAudit } from './append.ts';
import type { RevocationEntry } from './entry.ts';

/**
 * Records in the audit log that tokens became invalid: once, however often it is called for one revocation.
 *
 * @param manager the program that did it
 * @param user the id that applications send, of a user's tokens
 */
export async function recordRevocation(
  db: Queryable,
  revocation: Revocation,
  manager: string,
  user?: string | undefined,
): Promise<void> {
  const issuedBefore = 'issuedBefore' in revocation ? revocation.issuedBefore.toISOString() : undefined;
  const entry: RevocationEntry = {
    id: ['revocation', revocation.kind, identityOf(revocation), issuedBefore].join('/').slice(0, 200),
    at: new Date().toISOString(),
    kind: 'revocation',
    actor: { managers: [{ manager }] },
    subject: subjectOf(revocation),
    ...(user !== undefined && { user: { $user: user } }),
    ...(issuedBefore !== undefined && { issuedBefore }),
  };
  await appendAudit(db, 'owner', revocation.organizationId, [entry]);
}

function identityOf(revocation: Revocation): string {
  switch (revocation.kind) {
    case 'token':
      return revocation.tokenId;
    case 'key':
      return revocation.keyId;
    case 'user':
      // Of an erased user, nothing that identifies the user may stay in an entry.
      return crypto.randomUUID();
    case 'all':
      return '';
  }
}

function subjectOf(revocation: Revocation): string {
  switch (revocation.kind) {
    case 'token':
      return `Token/${revocation.tokenId}`;
    case 'key':
      return `Key/${revocation.keyId}`;
    case 'user':
      return 'User';
    case 'all':
      return 'All';
  }
}
