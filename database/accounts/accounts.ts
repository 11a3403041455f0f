import { toBytea } from '../bytea.ts';
import type { Envelope } from '../envelope.ts';
import type { Queryable } from '../queryable.ts';

/** The password's hash of an account that the Organization states. */
export interface AccountRow {
  /** The id of its user (`userIdOf`). */
  readonly accountId: string;
  readonly passwordSealed: Uint8Array;
}

/** The account that a hash belongs to. It opens nowhere else. */
export interface AccountPlace {
  readonly organizationId: string;
  readonly accountId: string;
}

export function sealPasswordHash(envelope: Envelope, place: AccountPlace, hash: string): Buffer {
  return envelope.seal(placeOf(place), hash);
}

/** @throws {EnvelopeError} where the key is unknown, or the hash belongs to another account */
export function openPasswordHash(envelope: Envelope, place: AccountPlace, sealed: Uint8Array): string {
  return envelope.open(placeOf(place), sealed).toString();
}

/**
 * Finds the hash of an account; where there is none with this id, that of any other, so that checking a password takes the
 * same time.
 */
export async function findAccount(
  db: Queryable,
  organizationId: string,
  accountId: string,
): Promise<AccountRow | undefined> {
  const { rows } = await db.query<AccountRow>(
    `select account_id as "accountId", password_encrypted as "passwordSealed"
     from chaperone.accounts
     where organization_id = $1::uuid
     order by account_id = $2::uuid desc, account_id
     limit 1`,
    [organizationId, accountId],
  );
  return rows[0];
}

/** Lists the accounts of an organization. @param db the owner's connection, as for the functions below */
export async function listAccounts(db: Queryable, organizationId: string): Promise<AccountRow[]> {
  const { rows } = await db.query<AccountRow>(
    `select account_id as "accountId", password_encrypted as "passwordSealed"
     from chaperone.accounts where organization_id = $1::uuid`,
    [organizationId],
  );
  return rows;
}

export async function upsertAccounts(
  db: Queryable,
  organizationId: string,
  accounts: readonly AccountRow[],
): Promise<void> {
  await db.query(
    `insert into chaperone.accounts as a (organization_id, account_id, password_encrypted)
     select $1::uuid, account_id, password
     from unnest($2::uuid[], $3::bytea[]) as given (account_id, password)
     on conflict (organization_id, account_id) do update
       set password_encrypted = excluded.password_encrypted, updated_at = now()`,
    [
      organizationId,
      accounts.map(({ accountId }) => accountId),
      accounts.map(({ passwordSealed }) => toBytea(passwordSealed)),
    ],
  );
}

/** Deletes accounts that are not stated any more. What is logged in by them ends with them. */
export async function deleteAccounts(
  db: Queryable,
  organizationId: string,
  accountIds: readonly string[],
): Promise<void> {
  await db.query(
    `with gone as (
       delete from chaperone.accounts where organization_id = $1::uuid and account_id = any ($2::uuid[])
     )
     delete from chaperone.logins where organization_id = $1::uuid and account_id = any ($2::uuid[])`,
    [organizationId, accountIds],
  );
}

function placeOf({ organizationId, accountId }: AccountPlace) {
  return { organizationId, column: 'accounts.password', rowId: accountId };
}
