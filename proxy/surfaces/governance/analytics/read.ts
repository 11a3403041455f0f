import { readFolded } from '../../../../database/analytics/fold.ts';
import type { Queryable } from '../../../../database/queryable.ts';
import type { GovernanceContext } from '../context.ts';

/** Reads figures that agree with one another, with the calls in them that this proxy has answered. */
export async function readFigures<T>(
  { shipped, store }: Pick<GovernanceContext, 'shipped' | 'store'>,
  work: (db: Queryable) => Promise<T>,
): Promise<T> {
  await shipped();
  return store.run((db) => readFolded(db, () => work(db)));
}
