import type { Queryable } from '../queryable.ts';

/**
 * Adds the connected organization's new records to its sums. When it returns, the sums include every record that was
 * committed before the call.
 */
export async function foldUsage(db: Queryable): Promise<void> {
  while (await foldSome(db, true));
}

/** Adds some of the new records, unless another connection is doing so. @returns whether there are more */
export function foldSomeUnlessBusy(db: Queryable): Promise<boolean> {
  return foldSome(db, false);
}

/** One statement could not add all that gathers in an outage. */
async function foldSome(db: Queryable, wait: boolean): Promise<boolean> {
  const { rows } = await db.query<{ isMore: boolean }>('select chaperone.fold_some_usage($1::boolean) as "isMore"', [
    wait,
  ]);
  return rows[0]?.isMore ?? false;
}

/** Folds everything, then runs `work` on one snapshot of the database, so that its figures agree with each other. */
export async function readFolded<T>(db: Queryable, work: () => Promise<T>): Promise<T> {
  await foldUsage(db);
  await db.query('begin transaction isolation level repeatable read read only');
  try {
    // Compiling one of our queries takes longer than running it.
    await db.query('set local jit = off');
    return await work();
  } finally {
    await db.query('rollback');
  }
}

/** Adds to the sums what proxies have not, of all organizations. @param db the owner's connection, or a worker's */
export async function foldAllUsage(db: Queryable): Promise<void> {
  await db.query('select chaperone.fold_all_usage()');
}

/** Adds one organization's new records to its sums, as `foldUsage`. @param db the owner's connection */
export async function foldUsageOf(db: Queryable, organizationId: string): Promise<void> {
  await db.query('select chaperone.fold_usage_of($1::uuid, true)', [organizationId]);
}
