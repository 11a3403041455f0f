import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import { connectTimeoutMs, followerName } from './client.ts';
import type { Queryable } from './queryable.ts';

/**
 * Makes the organization's login role, or gives it this password. The role sees the organization's rows and no others, and
 * has its limits: as many connections as before, else 20.
 *
 * @returns the role's name
 */
export async function ensureOrganizationRole(db: Queryable, organizationId: string, password: string): Promise<string> {
  // The function leaves a role alone that is somebody's already, and it may only be this organization's.
  await db.query(
    `delete from chaperone.organization_roles
     where role_name = 'chaperone_org_' || replace($1::uuid::text, '-', '') and organization_id <> $1::uuid`,
    [organizationId],
  );
  const { rows } = await db.query<{ role: string }>(
    'select chaperone.ensure_organization_role($1::uuid, $2::text) as role',
    [organizationId, scramVerifier(password)],
  );
  return rows[0]?.role ?? '';
}

/**
 * Gives the organization's login its limits, and takes away whatever settings it gave itself.
 *
 * @param connections how many the organization's proxies may have together
 */
export async function limitOrganizationRole(db: Queryable, organizationId: string, connections: number): Promise<void> {
  await db.query('select chaperone.limit_organization_role($1::uuid, $2::integer)', [organizationId, connections]);
}

/**
 * Limits the logins that no Organization stands for any more, such as those of data that is retained.
 *
 * @returns how many there were
 */
export async function limitRetainedRoles(db: Queryable, connections: number): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::integer as count
     from (
       select chaperone.limit_organization_role(r.organization_id, $1::integer)
       from chaperone.organization_roles r
         join pg_roles l on l.rolname = r.role_name
         left join chaperone.organizations o using (organization_id)
       where (o.organization_id is null or o.deleted_at is not null)
         and (l.rolconnlimit = -1 or not chaperone.has_organization_role_settings(r.role_name))
     ) limited`,
    [connections],
  );
  return rows[0]?.count ?? 0;
}

/**
 * Ends the sessions of the organization's login that were opened before its present password was set: whoever has that one
 * connects anew.
 *
 * @returns how many there were
 * @throws DatabaseError 42501 where the owner may not, as where somebody else made the role
 */
export async function endOrganizationSessions(db: Queryable, organizationId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select chaperone.end_organization_sessions(organization_id, coalesce(password_set_at, now())) as count
     from chaperone.organization_roles where organization_id = $1::uuid`,
    [organizationId],
  );
  return rows[0]?.count ?? 0;
}

/** Notes when a password was set that is from before this was noted, in seconds since 1970. */
export async function notePasswordAge(db: Queryable, organizationId: string, issuedAtS: number): Promise<void> {
  await db.query(
    `update chaperone.organization_roles set password_set_at = to_timestamp($2::double precision)
     where organization_id = $1::uuid and password_set_at is null`,
    [organizationId, issuedAtS],
  );
}

/**
 * Ends the sessions of organizations whose transaction has been open for so long: what it holds stops migrations, and a
 * session may switch its own time-out off.
 *
 * @returns the logins
 */
export async function endLongTransactions(db: Queryable, longestMs: number): Promise<string[]> {
  const { rows } = await db.query<{ login: string }>(
    `select a.usename as login, pg_terminate_backend(a.pid)
     from pg_stat_activity a join chaperone.organization_roles r on r.role_name = a.usename
     where a.xact_start < now() - $1::double precision * interval '1 millisecond'`,
    [longestMs],
  );
  return rows.map(({ login }) => login);
}

/** A proxy that is told of nothing asks every other second. */
const noticeMs = 3_000;

/**
 * Drops the organization's login role with its sessions and whatever it made or granted; nothing happens where there is
 * none. Proxies get the time to see that their rights are gone: of a login that fails they would believe for minutes that
 * its password is rotating, and go on.
 *
 * @returns why the role is still there, with no right to anything; undefined where it is gone
 */
export async function dropOrganizationRole(db: Queryable, organizationId: string): Promise<string | undefined> {
  await db.query('select chaperone.close_organization_role($1::uuid)', [organizationId]);
  for (let waitedMs = 0; waitedMs < noticeMs && (await isFollowed(db, organizationId)); waitedMs += 20) await delay(20);
  const { rows } = await db.query<{ reason: string | null }>(
    'select chaperone.remove_organization_role($1::uuid) as reason',
    [organizationId],
  );
  return rows[0]?.reason ?? undefined;
}

/** Whether a proxy has the connection by which it follows the organization's configuration. */
async function isFollowed(db: Queryable, organizationId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from pg_stat_activity
     where usename = 'chaperone_org_' || replace($1::uuid::text, '-', '') and application_name = $2::text`,
    [organizationId, followerName],
  );
  return rowCount !== 0;
}

/** `invalid_password` */
const wrongPassword = '28P01';

/**
 * Whether the database refuses the password in its URL. It is tried, since only a superuser may compare it with what
 * Postgres keeps (`pg_authid`). Where nobody can log in for another reason, nothing is known against the password.
 */
export async function isPasswordRefused(databaseUrl: string): Promise<boolean> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: connectTimeoutMs });
  // A connection that is lost once it stands has told what was to be known.
  client.on('error', () => {});
  try {
    await client.connect();
    return false;
  } catch (error) {
    return error instanceof DatabaseError && error.code === wrongPassword;
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * What Postgres stores instead of a password, so that the password itself is in no statement
 * (SCRAM-SHA-256, RFC 5803: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`).
 */
export function scramVerifier(password: string, salt: Uint8Array = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64');
  const serverKey = hmac(salted, 'Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`;
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
