import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { Client, DatabaseError } from 'pg';
import { connectTimeoutMs } from './client.ts';
import type { Queryable } from './queryable.ts';

/**
 * Makes the organization's login role, or gives it this password. The role sees the organization's rows and no others.
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

/** Drops the organization's login role; nothing happens where there is none. */
export async function dropOrganizationRole(db: Queryable, organizationId: string): Promise<void> {
  await db.query('select chaperone.drop_organization_role($1::uuid)', [organizationId]);
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
