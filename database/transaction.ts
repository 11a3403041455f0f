import type { Pool } from 'pg';
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

/** Runs `work` within a transaction, which goes on where it fails: then nothing of it is stored. */
export async function inSavepoint<T>(db: Queryable, work: () => Promise<T>): Promise<T> {
  await db.query('savepoint work');
  try {
    const result = await work();
    await db.query('release savepoint work');
    return result;
  } catch (error) {
    await db.query('rollback to savepoint work');
    throw error;
  }
}

/** Runs work in a transaction of its own. */
export type Transact = <T>(work: (db: Queryable) => Promise<T>) => Promise<T>;

/** Makes the function that runs transactions on connections of a pool. */
export function makeTransact(pool: Pick<Pool, 'connect'>): Transact {
  return async (work) => {
    const client = await pool.connect();
    try {
      return await inTransaction(client, () => work(client));
    } finally {
      client.release();
    }
  };
}
