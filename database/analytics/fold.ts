import type { Queryable } from '../queryable.ts';

/**
 * Adds the connected organization's records that are not yet in its sums to them. What was committed before the call is in
 * them when it returns.
 */
export async function foldUsage(db: Queryable): Promise<void> {
  while (await foldSome(db, true));
}

/** Adds some of them, but leaves it to another connection where one is at it. @returns whether there are more */
export function foldSomeUnlessBusy(db: Queryable): Promise<boolean> {
  return foldSome(db, false);
}

/** What has gathered in an outage is more than one statement may take. */
async function foldSome(db: Queryable, wait: boolean): Promise<boolean> {
  const { rows } = await db.query<{ isMore: boolean }>('select chaperone.fold_some_usage($1::boolean) as "isMore"', [
    wait,
  ]);
  return rows[0]?.isMore ?? false;
}

/**
 * Runs `work` on one state of the database, with everything folded: its figures agree with one another.
 */
export async function readFolded<T>(db: Queryable, work: () => Promise<T>): Promise<T> {
  await foldUsage(db);
  await db.query('begin transaction isolation level repeatable read read only');
  try {
    // To compile a query of ours takes longer than to run it.
    await db.query('set local jit = off');
    return await work();
  } finally {
    await db.query('rollback');
  }
}
