import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FunctionDefinition, readFunctions } from './dump-schema.ts';
import type { Queryable } from './queryable.ts';

/** The text of each file in `functions/`, by the name of its function. */
export type FunctionSources = ReadonlyMap<string, string>;

export interface FunctionDrift {
  /** Functions whose file a migration can copy as it is. */
  readonly changed: readonly string[];
  /** What a person has to mend, in sentences. */
  readonly faults: readonly string[];
}

export async function readFunctionSources(
  directory: string = join(import.meta.dirname, 'functions'),
): Promise<FunctionSources> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort();
  return new Map(
    await Promise.all(
      files.map(
        async (file) => [file.slice(0, -'.sql'.length), await readFile(join(directory, file), 'utf8')] as const,
      ),
    ),
  );
}

/**
 * Compares the functions of a migrated database with their files. It makes them anew from the files, in a transaction
 * that it rolls back, because only the database knows when two texts mean the same.
 *
 * @param db a connection of the owner's that is in no transaction
 */
export async function findFunctionDrift(db: Queryable, sources: FunctionSources): Promise<FunctionDrift> {
  await db.query('begin');
  try {
    await db.query("set local search_path = ''; set local check_function_bodies = off");
    const migrated = new Map((await readFunctions(db)).map((each) => [each.name, each]));
    const faults: string[] = [];
    // Policies, triggers and defaults depend on functions. The rollback brings them back.
    for (const { signature } of migrated.values()) await db.query(`drop function if exists ${signature} cascade`);
    for (const [name, source] of sources) {
      await db.query('savepoint before_file');
      await db.query(source).catch(async (error: unknown) => {
        faults.push(`database/functions/${name}.sql fails: ${error instanceof Error ? error.message : String(error)}`);
        await db.query('rollback to before_file');
      });
    }
    const made = new Map((await readFunctions(db)).map((each) => [each.name, each]));
    if (faults.length > 0) return { changed: [], faults };
    return compareFunctions(migrated, made, sources);
  } finally {
    await db.query('rollback');
  }
}

function compareFunctions(
  migrated: ReadonlyMap<string, FunctionDefinition>,
  made: ReadonlyMap<string, FunctionDefinition>,
  sources: FunctionSources,
): FunctionDrift {
  const faults: string[] = [];
  const changed: string[] = [];
  for (const name of sources.keys()) {
    const [before, after] = [migrated.get(name), made.get(name)];
    if (!after) faults.push(`database/functions/${name}.sql makes no function chaperone.${name}`);
    else if (before && !isReplaceable(before, after)) faults.push(signatureFault(name, before, after));
    else if (before?.statement !== after.statement) changed.push(name);
  }
  for (const name of made.keys())
    if (!sources.has(name)) faults.push(`chaperone.${name} needs a file of its own, database/functions/${name}.sql`);
  for (const name of migrated.keys())
    if (!made.has(name) && !sources.has(name))
      faults.push(`chaperone.${name} has no file: add database/functions/${name}.sql, or drop it in a migration`);
  return { changed, faults };
}

/** `create or replace` keeps a function's arguments and result. */
function isReplaceable(before: FunctionDefinition, after: FunctionDefinition): boolean {
  return before.declaration === after.declaration;
}

function signatureFault(name: string, before: FunctionDefinition, after: FunctionDefinition): string {
  return `database/functions/${name}.sql changes the arguments or the result of chaperone.${name}
  from ${before.declaration}
  to   ${after.declaration}
  \`create or replace\` cannot: write a migration by hand that drops ${before.signature} and what depends on it, and makes them anew`;
}
