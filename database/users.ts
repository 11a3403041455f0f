import type { Queryable } from './queryable.ts';

/** Somebody who calls, by the id that applications send. */
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

/** A page of the organization's users by their external ids, and how many there are in all. */
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

/** @returns the new user; undefined where there is one of this external id */
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

/** Changes what is given. @returns the user as it is then; undefined where there is none */
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
 * Erases the person behind a user: contents, feedback and names go; counts and sums stay, with somebody unknown.
 *
 * @returns the id that stands in the records instead; undefined where there is no such user
 */
export async function eraseUser(db: Queryable, userId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ stranger: string | null }>('select chaperone.erase_user($1::uuid) as stranger', [
    userId,
  ]);
  return rows[0]?.stranger ?? undefined;
}
