import type { Logger } from 'pino';
import { listErasures } from '../../database/erasures.ts';
import type { Store } from '../store.ts';
import type { Spool } from './spool.ts';

export interface SetAsideEraserOptions {
  readonly organizationId: string;
  readonly spool: Pick<Spool, 'hasSetAside' | 'eraseUsers'>;
  readonly store: Store;
  readonly log: Logger;
}

/**
 * Makes a function that erases users from the rows that were set aside. It runs at every new version of the
 * configuration, since an erasure raises the version, and after a row was set aside, since its user may have been
 * erased before.
 */
export function makeSetAsideEraser({ organizationId, spool, store, log }: SetAsideEraserOptions): () => Promise<void> {
  return async () => {
    if (!spool.hasSetAside()) return;
    try {
      const rows = spool.eraseUsers(organizationId, await store.run((db) => listErasures(db, organizationId)));
      if (rows > 0) log.info({ rows }, 'erased users were removed from the rows that were set aside');
    } catch (error) {
      log.warn({ err: error }, 'cannot read which users were erased; it is tried again at the next change');
    }
  };
}
