import type { Queryable } from './queryable.ts';

/** Runs `work` in a transaction: all that it writes is stored, or nothing. @param db one connection, not a pool */
export async function inTransaction<T>(db: Queryable, work: () => Promise<T>): Promise<T> {
  await db.query('begin');
  try {
    const result = await work();
    await db.query('commit');
    return result;
  } catch (error) {
    await db.query('rollback').catch(() => {});
    throw error;
  }
}
