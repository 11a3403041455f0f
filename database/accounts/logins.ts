import type { Queryable } from '../queryable.ts';

/** Somebody who is logged in. Refresh tokens are stored as digests: they have 256 bits at random. */
export interface Login {
  readonly loginId: string;
  readonly accountId: string;
  /** SHA-256 of the refresh token. */
  readonly refreshDigest: Uint8Array;
  /** SHA-256 of the password's hash: with another password, there is nothing to refresh. */
  readonly passwordDigest: Uint8Array;
  readonly expiresAt: Date;
}

export interface LoginRow extends Login {
  /** Of the refresh token before the last. Null: it is the first one. */
  readonly formerDigest: Uint8Array | null;
  readonly refreshedAt: Date;
}

export async function insertLogin(db: Queryable, organizationId: string, login: Login): Promise<void> {
  const { loginId, accountId, refreshDigest, passwordDigest, expiresAt } = login;
  await db.query(
    `insert into chaperone.logins
       (organization_id, login_id, account_id, refresh_sha256, password_sha256, expires_at)
     values ($1::uuid, $2::uuid, $3::uuid, $4::bytea, $5::bytea, $6::timestamptz)`,
    [organizationId, loginId, accountId, refreshDigest, passwordDigest, expiresAt],
  );
}

/** Reads a login for its refresh: nobody else refreshes it until the transaction ends. */
export async function lockLogin(db: Queryable, organizationId: string, loginId: string): Promise<LoginRow | undefined> {
  const { rows } = await db.query<LoginRow>(
    `select login_id as "loginId", account_id as "accountId", refresh_sha256 as "refreshDigest",
       former_sha256 as "formerDigest", password_sha256 as "passwordDigest", refreshed_at as "refreshedAt",
       expires_at as "expiresAt"
     from chaperone.logins
     where organization_id = $1::uuid and login_id = $2::uuid and ended_at is null
     for update`,
    [organizationId, loginId],
  );
  return rows[0];
}

/** Replaces the refresh token. */
export async function refreshLogin(
  db: Queryable,
  organizationId: string,
  loginId: string,
  refreshDigest: Uint8Array,
): Promise<void> {
  await db.query(
    `update chaperone.logins
     set former_sha256 = refresh_sha256, refresh_sha256 = $3::bytea, refreshed_at = clock_timestamp()
     where organization_id = $1::uuid and login_id = $2::uuid`,
    [organizationId, loginId, refreshDigest],
  );
}

/**
 * Ends a login: its tokens are revoked until the last of them expires by itself.
 *
 * @returns whether there was one
 */
export async function endLogin(
  db: Queryable,
  organizationId: string,
  loginId: string,
  tokensExpireAt: Date,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with ended as (
       update chaperone.logins set ended_at = clock_timestamp()
       where organization_id = $1::uuid and login_id = $2::uuid and ended_at is null
       returning login_id
     )
     insert into chaperone.revocations (organization_id, kind, subject, expires_at)
     select $1::uuid, 'token', login_id::text, $3::timestamptz from ended
     on conflict do nothing`,
    [organizationId, loginId, tokensExpireAt],
  );
  return rowCount === 1;
}
