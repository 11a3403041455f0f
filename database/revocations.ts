import { deletePast } from './past-rows.ts';
import type { Queryable } from './queryable.ts';

/** A rule that makes tokens invalid. */
export type Revocation = {
  readonly organizationId: string;
  /** When the last of these tokens expires by itself. Null: not known. */
  readonly expiresAt: Date | null;
} & (
  | { readonly kind: 'token'; readonly tokenId: string }
  | { readonly kind: 'key'; readonly keyId: string }
  | { readonly kind: 'user'; readonly userId: string; readonly issuedBefore: Date }
  | { readonly kind: 'all'; readonly issuedBefore: Date }
);

/** Revokes tokens. Earlier revocations stay. */
export async function insertRevocation(db: Queryable, revocation: Revocation): Promise<void> {
  await db.query(
    `insert into chaperone.revocations as r (organization_id, kind, subject, issued_before, expires_at)
     values ($1::uuid, $2::text, $3::text, $4::timestamptz, $5::timestamptz)
     on conflict (organization_id, kind, subject) do update
       set issued_before = greatest(r.issued_before, excluded.issued_before),
           expires_at = case when r.expires_at is not null then greatest(r.expires_at, excluded.expires_at) end,
           updated_at = now()`,
    [
      revocation.organizationId,
      revocation.kind,
      subjectOf(revocation),
      'issuedBefore' in revocation ? revocation.issuedBefore : null,
      revocation.expiresAt,
    ],
  );
}

function subjectOf(revocation: Revocation): string {
  switch (revocation.kind) {
    case 'token':
      return revocation.tokenId;
    case 'key':
      return revocation.keyId;
    case 'user':
      return revocation.userId;
    case 'all':
      return '';
  }
}

/** Deletes revocations whose tokens have all expired, in all organizations. Proxies drop these by themselves. */
export async function deleteExpiredRevocations(db: Queryable): Promise<void> {
  await deletePast(db, 'revocations');
  await db.query('delete from chaperone.revocations where expires_at < now()');
}
