import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Queryable } from './queryable.ts';

/**
 * Runs all `grant` and `revoke` statements of the migrations again, in order, and so undoes manual changes to the same
 * privileges; except those about a function that a later migration drops. The database must be migrated.
 */
export async function restorePrivileges(
  db: Queryable,
  directory: string = join(import.meta.dirname, 'migrations'),
): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  const migrations = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  const drops = migrations.map(droppedFunctions);
  const statements = migrations.flatMap((sql, index) => {
    const dropped = drops.slice(index + 1).flat();
    return privilegeStatements(sql).filter((statement) => !dropped.some((signature) => statement.includes(signature)));
  });
  // Postgres fails when two sessions grant the same privilege at once. No tenant can take this lock and block the
  // operator.
  const lock = 'lock table chaperone.migrations in share row exclusive mode';
  // One message, so one transaction.
  await db.query([lock, ...statements].join(';\n'));
}

/** A migration's `grant` and `revoke` statements: those that begin a line. */
function privilegeStatements(sql: string): string[] {
  return [...sql.matchAll(/^(?:grant|revoke) [^;]+(?=;)/gm)].map(([statement]) => statement);
}

/** The signatures of the functions that a migration drops, as its earlier statements name them. */
function droppedFunctions(sql: string): string[] {
  return [...sql.matchAll(/^drop function ([^;]+);/gm)].map(([, signature]) => ` on function ${signature} `);
}
