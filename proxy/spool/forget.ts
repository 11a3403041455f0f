import type { Logger } from 'pino';
import { listErasures } from '../../database/erasures.ts';
import type { Store } from '../store.ts';
import type { Spool } from './spool.ts';

export interface ForgetOptions {
  readonly organizationId: string;
  readonly spool: Pick<Spool, 'hasSetAside' | 'forget'>;
  readonly store: Store;
  readonly log: Logger;
}

/**
 * Makes what takes erased users out of the rows that were set aside. Whoever is erased raises the version of the
 * configuration, so that every proxy hears of it; and a row may be set aside later than its user was erased.
 */
export function makeForget({ organizationId, spool, store, log }: ForgetOptions): () => Promise<void> {
  return async () => {
    if (!spool.hasSetAside()) return;
    try {
      const rows = spool.forget(organizationId, await store.run((db) => listErasures(db, organizationId)));
      if (rows > 0) log.info({ rows }, 'users who were erased were taken out of what was set aside');
    } catch (error) {
      log.warn({ err: error }, 'cannot see who was erased; it is looked again at the next change');
    }
  };
}
