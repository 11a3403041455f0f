import { setTimeout as delay } from 'node:timers/promises';
import type { Queryable } from './queryable.ts';
import { inTransaction } from './transaction.ts';

/** A user, identified by the id that applications send. */
export interface UserRow {
  readonly userId: string;
  readonly externalId: string;
  readonly displayName: string | null;
  readonly isActive: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = `user_id as "userId", external_id as "externalId", display_name as "displayName", is_active as "isActive",
  created_at as "createdAt", updated_at as "updatedAt"`;

export interface UsersQuery {
  readonly isActive: boolean | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Lists a page of the organization's users by external id, with the total count. */
export async function listUsers(
  db: Queryable,
  organizationId: string,
  { isActive, limit, offset }: UsersQuery,
): Promise<{ users: UserRow[]; total: number }> {
  const matching = `chaperone.users where organization_id = $1::uuid and ($2::boolean is null or is_active = $2::boolean)`;
  const { rows: users } = await db.query<UserRow>(
    `select ${columns} from ${matching} order by external_id limit $3::integer offset $4::integer`,
    [organizationId, isActive ?? null, limit, offset],
  );
  const { rows } = await db.query<{ total: number }>(`select count(*)::integer as total from ${matching}`, [
    organizationId,
    isActive ?? null,
  ]);
  return { users, total: rows[0]?.total ?? 0 };
}

export async function findUser(db: Queryable, organizationId: string, userId: string): Promise<UserRow | undefined> {
  const { rows } = await db.query<UserRow>(
    `select ${columns} from chaperone.users where organization_id = $1::uuid and user_id = $2::uuid`,
    [organizationId, userId],
  );
  return rows[0];
}

/** @returns the new user; undefined where the external id is taken */
export async function insertUser(
  db: Queryable,
  organizationId: string,
  user: Pick<UserRow, 'userId' | 'externalId' | 'displayName'>,
): Promise<UserRow | undefined> {
  const { rows } = await db.query<UserRow>(
    `insert into chaperone.users (organization_id, user_id, external_id, display_name)
     values ($1::uuid, $2::uuid, $3::text, $4::text)
     on conflict do nothing
     returning ${columns}`,
    [organizationId, user.userId, user.externalId, user.displayName],
  );
  return rows[0];
}

/** Changes the given fields. @returns the changed user; undefined where there is none */
export async function updateUser(
  db: Queryable,
  organizationId: string,
  userId: string,
  changes: { readonly displayName?: string | null | undefined; readonly isActive?: boolean | undefined },
): Promise<UserRow | undefined> {
  const { rows } = await db.query<UserRow>(
    `update chaperone.users
     set display_name = case when $3::boolean then $4::text else display_name end,
         is_active = coalesce($5::boolean, is_active), updated_at = now()
     where organization_id = $1::uuid and user_id = $2::uuid
     returning ${columns}`,
    [organizationId, userId, changes.displayName !== undefined, changes.displayName ?? null, changes.isActive ?? null],
  );
  return rows[0];
}

/**
 * An insert takes milliseconds. A transaction that takes longer than this is something else, so nothing waits for it.
 */
const writerTimeoutMs = 5_000;

/**
 * Erases the person behind a user. Contents, feedback and names are deleted; counts and sums stay, under an anonymous
 * user. Records from before the erasure that arrive later are erased on insert.
 *
 * @param beforeCommit what else is stored with the erasure, or not at all
 * @returns the anonymous id that the records have now; undefined where there is no such user
 */
export async function eraseUser(
  db: Queryable,
  userId: string,
  beforeCommit: () => Promise<void> = async () => {},
): Promise<string | undefined> {
  if (!(await noteErasure(db, userId))) return undefined;
  // A transaction that is writing now has not seen the note. The erasure waits until all of its rows are visible.
  const next = await nextTransaction(db);
  for (let waitedMs = 0; waitedMs < writerTimeoutMs && !(await haveEndedBefore(db, next)); waitedMs += 20)
    await delay(20);
  return erase(db, userId, beforeCommit);
}

/** Enough for a user with years of calls. */
const erasureMs = 10 * 60_000;

/** A proxy's longest statement by far. It is the only one for which the role's limits are lifted. */
async function erase(db: Queryable, userId: string, beforeCommit: () => Promise<void>): Promise<string | undefined> {
  const statement = {
    text: 'select chaperone.erase_user($1::uuid) as stranger',
    values: [userId],
    // It overrides the client's own.
    query_timeout: erasureMs + 5_000,
  };
  return inTransaction(db, async () => {
    // `transaction_timeout` exists since PostgreSQL 17. In a running transaction it can only be switched off.
    await db.query(
      `select set_config(name, case name when 'statement_timeout' then $1::text else '0' end, true)
       from pg_settings where name in ('statement_timeout', 'transaction_timeout')`,
      [String(erasureMs)],
    );
    const { rows } = await db.query<{ stranger: string | null }>(statement);
    await beforeCommit();
    return rows[0]?.stranger ?? undefined;
  });
}

async function noteErasure(db: Queryable, userId: string): Promise<boolean> {
  const { rows } = await db.query<{ noted: boolean }>('select chaperone.note_erasure($1::uuid) as noted', [userId]);
  return rows[0]?.noted ?? false;
}

/** The id that the next writing transaction will get. */
async function nextTransaction(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ next: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as next');
  return rows[0]?.next ?? '0';
}

/** Whether every writing transaction with a lower id has ended. */
async function haveEndedBefore(db: Queryable, transaction: string): Promise<boolean> {
  const { rows } = await db.query<{ ended: boolean }>(
    'select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as ended',
    [transaction],
  );
  return rows[0]?.ended ?? false;
}
