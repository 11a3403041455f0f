import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import { connectTimeoutMs, followerName } from './client.ts';
import type { Queryable } from './queryable.ts';

/**
 * Makes the organization's login role, or sets its password. The role sees only the organization's rows. It keeps its
 * connection limit; a new role gets 20.
 *
 * @returns the role's name
 */
export async function ensureOrganizationRole(db: Queryable, organizationId: string, password: string): Promise<string> {
  // `ensure_organization_role` keeps an existing registration of the role. The role's name contains this organization's
  // id, so a registration for another organization is wrong and is deleted first.
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
 * Makes the login role of this database's workers, or sets its password. The role takes background jobs, and reads no row
 * of an organization.
 *
 * @returns the role's name
 */
export async function ensureWorkerRole(db: Queryable, password: string): Promise<string> {
  const { rows } = await db.query<{ role: string }>('select chaperone.ensure_worker_role($1::text) as role', [
    scramVerifier(password),
  ]);
  return rows[0]?.role ?? '';
}

/**
 * Sets the limits of the organization's role, and removes settings that the role gave itself.
 *
 * @param connections how many connections all the organization's proxies may have together
 */
export async function limitOrganizationRole(db: Queryable, organizationId: string, connections: number): Promise<void> {
  await db.query('select chaperone.limit_organization_role($1::uuid, $2::integer)', [organizationId, connections]);
}

/**
 * Limits the roles whose Organization no longer exists, such as those of retained data.
 *
 * @returns how many roles were limited
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
 * Ends the role's sessions from before the current password was set. Whoever has the current password reconnects.
 *
 * @returns how many sessions were ended
 * @throws DatabaseError 42501 where the owner lacks the right, for example where another user made the role
 */
export async function endOrganizationSessions(db: Queryable, organizationId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select chaperone.end_organization_sessions(organization_id, coalesce(password_set_at, now())) as count
     from chaperone.organization_roles where organization_id = $1::uuid`,
    [organizationId],
  );
  return rows[0]?.count ?? 0;
}

/** Records when the password was set, for a password that is older than this column. Seconds since 1970. */
export async function notePasswordAge(db: Queryable, organizationId: string, issuedAtS: number): Promise<void> {
  await db.query(
    `update chaperone.organization_roles set password_set_at = to_timestamp($2::double precision)
     where organization_id = $1::uuid and password_set_at is null`,
    [organizationId, issuedAtS],
  );
}

/**
 * Ends tenants' sessions whose transaction has been open for longer than `maxDurationMs`. Its locks block migrations, and a
 * session can switch off its own time-out.
 *
 * @returns the roles of the ended sessions
 */
export async function endLongTransactions(db: Queryable, maxDurationMs: number): Promise<string[]> {
  const { rows } = await db.query<{ login: string }>(
    `select a.usename as login, pg_terminate_backend(a.pid)
     from pg_stat_activity a join chaperone.organization_roles r on r.role_name = a.usename
     where a.xact_start < now() - $1::double precision * interval '1 millisecond'`,
    [maxDurationMs],
  );
  return rows.map(({ login }) => login);
}

/** A proxy that gets no notification polls every two seconds. */
const noticeMs = 3_000;

/**
 * Drops the organization's login role with its sessions and everything it made or granted. Nothing happens where there
 * is no role. First, proxies get time to see that their rights are gone: if their login merely failed, they would take
 * it for a password rotation and go on for minutes.
 *
 * @returns why the role still exists, without any rights; undefined where it is gone
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

/** Whether any proxy still follows the organization's configuration. */
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
 * Whether the database refuses the password in the URL. This tries to log in, since only a superuser may read
 * `pg_authid`. Where the login fails for another reason, the password counts as accepted.
 */
export async function isPasswordRefused(databaseUrl: string): Promise<boolean> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: connectTimeoutMs });
  // A connection that is lost later has already answered the question.
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
 * The verifier that Postgres stores instead of a password, so that no statement contains the password itself
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
