import { DatabaseError } from 'pg';
import { readFolded } from '../../../database/analytics/fold.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';

/**
 * Reads figures that agree with one another, with the calls in them that this proxy has answered.
 *
 * @throws {ProxyError} `store_unavailable` where the database is away, or takes longer than a statement may
 */
export async function readFigures<T>(
  { shipped, store }: Pick<GovernanceContext, 'shipped' | 'store'>,
  work: (db: Queryable) => Promise<T>,
): Promise<T> {
  await shipped();
  return store.run((db) =>
    readFolded(db, () =>
      work(db).catch((error: unknown) => {
        if (!isTooSlow(error)) throw error;
        // Without the cause, for which the connection would be given up: the database is well.
        const message = 'The database takes too long to add this up: ask for a shorter period';
        throw new ProxyError('store_unavailable', { message });
      }),
    ),
  );
}

/** `query_canceled`: by the timeout that each login has for a statement. */
function isTooSlow(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '57014';
}
