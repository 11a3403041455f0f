import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Queryable } from './queryable.ts';

/**
 * Grants and revokes again what the migrations granted and revoked, in their order: nobody else changes privileges, so
 * what somebody did by hand is undone. The database is migrated.
 */
export async function restorePrivileges(
  db: Queryable,
  directory: string = join(import.meta.dirname, 'migrations'),
): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  const migrations = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  const statements = migrations.flatMap(privilegeStatements);
  // To grant the same thing twice at once is an error to Postgres. No tenant can take this lock to hold the others up.
  const lock = 'lock table chaperone.migrations in share row exclusive mode';
  // One message, and so one transaction.
  await db.query([lock, ...statements].join(';\n'));
}

/** A migration's statements about privileges: those that begin a line. */
function privilegeStatements(sql: string): string[] {
  return [...sql.matchAll(/^(?:grant|revoke) [^;]+(?=;)/gm)].map(([statement]) => statement);
}
